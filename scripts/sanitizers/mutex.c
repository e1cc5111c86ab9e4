// Swift's `Mutex` takes and gives back a lock that others wait for inside libswiftSynchronization, which was built without
// the thread sanitizer: it would see two threads in one critical section, and no lock. Preloaded by scripts/check-sanitizers,
// this says of those three functions what they do. What nobody waits for is compiled into the program and seen there.
#define _GNU_SOURCE
#include <dlfcn.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>

#define SWIFT __attribute__((swiftcall))
#define SELF __attribute__((swift_context)) void *

extern void __tsan_acquire(void *) __attribute__((weak));
extern void __tsan_release(void *) __attribute__((weak));

static void *next(const char *name) {
    void *found = dlsym(RTLD_NEXT, name);
    if (!found) abort(); // Another Swift: its names have to be found anew.
    return found;
}

#define LOCK "$s15Synchronization12_MutexHandleV9_lockSlowyys6UInt32VF"
#define TRY "$s15Synchronization12_MutexHandleV12_tryLockSlowSbyF"
#define UNLOCK "$s15Synchronization12_MutexHandleV11_unlockSlowyyF"

SWIFT void lock_slow(uint32_t thread, SELF self) __asm__(LOCK);
SWIFT bool try_lock_slow(SELF self) __asm__(TRY);
SWIFT void unlock_slow(SELF self) __asm__(UNLOCK);

SWIFT void lock_slow(uint32_t thread, SELF self) {
    static SWIFT void (*real)(uint32_t, SELF);
    if (!real) real = next(LOCK);
    real(thread, self);
    if (__tsan_acquire) __tsan_acquire(self);
}

SWIFT bool try_lock_slow(SELF self) {
    static SWIFT bool (*real)(SELF);
    if (!real) real = next(TRY);
    bool taken = real(self);
    if (taken && __tsan_acquire) __tsan_acquire(self);
    return taken;
}

SWIFT void unlock_slow(SELF self) {
    static SWIFT void (*real)(SELF);
    if (!real) real = next(UNLOCK);
    if (__tsan_release) __tsan_release(self);
    real(self);
}
