// How the C library's allocator is to behave: the one thing that Swift's module of it does not offer.
#ifndef SLUICE_CMEMORY_H
#define SLUICE_CMEMORY_H

#include <stdlib.h>
#ifdef __GLIBC__
#include <malloc.h>
#endif

// The batches of a run are a few blocks of a MiB that are taken and given back all the time, by several threads. As it
// is made, the library gives each such block back to the system, which then clears its pages anew, and keeps what is
// free apart for each thread. One pool that keeps what it has costs less of both, time and memory; blocks of several
// MiB, which live long, still come and go by themselves.
static inline void sluice_keep_freed_memory(void) {
#ifdef __GLIBC__
    mallopt(M_ARENA_MAX, 1);
    mallopt(M_MMAP_THRESHOLD, 3 * 1024 * 1024);
    mallopt(M_TRIM_THRESHOLD, 64 * 1024 * 1024);
#endif
}

#endif
