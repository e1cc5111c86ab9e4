// XXH3 as static inline functions: only the header of libxxhash is needed, at build time.
// The wrappers exist because XXH_INLINE_ALL renames the functions by macros that Swift cannot see.
#ifndef SLUICE_CXXHASH_H
#define SLUICE_CXXHASH_H

#include <stddef.h>
#include <stdint.h>

#define XXH_INLINE_ALL
#include <xxhash.h>

typedef struct {
    uint64_t low;
    uint64_t high;
} sluice_hash128;

static inline sluice_hash128 sluice_xxh3_128(const void *bytes, size_t count, uint64_t seed) {
    XXH128_hash_t hash = XXH3_128bits_withSeed(bytes, count, seed);
    sluice_hash128 result = {hash.low64, hash.high64};
    return result;
}

static inline uint64_t sluice_xxh3_64(const void *bytes, size_t count) {
    return XXH3_64bits(bytes, count);
}

#endif
