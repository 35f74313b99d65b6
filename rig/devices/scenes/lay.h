/* What both parts of the library need: functions seen from outside, also for the vectors that newer processors have. */
#if defined(__x86_64__) && defined(__gnu_linux__) && !defined(__clang__) && __GNUC__ >= 12
#define EXPORTED __attribute__((visibility("default"), target_clones("arch=x86-64-v3", "default")))
#else
#define EXPORTED __attribute__((visibility("default")))
#endif
