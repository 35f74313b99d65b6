/* What both halves of the kernel share: C99, plain loops that a compiler makes vector code of. No state, no threads. */
#ifndef FIELDSTACK_KERNEL_H
#define FIELDSTACK_KERNEL_H

#include <stddef.h>
#include <stdint.h>

/* A function for newer x86 processors beside the one for all, chosen when the library is loaded. */
#if defined(__x86_64__) && defined(__gnu_linux__) && !defined(__clang__) && __GNUC__ >= 12
#define EXPORTED __attribute__((visibility("default"), target_clones("arch=x86-64-v3", "default")))
#elif defined(__GNUC__)
#define EXPORTED __attribute__((visibility("default")))
#else
#define EXPORTED
#endif

/* Into each of those: a function of its own would be compiled for the oldest processor only. */
#if defined(__GNUC__)
#define INLINE static inline __attribute__((always_inline))
#else
#define INLINE static inline
#endif

#endif
