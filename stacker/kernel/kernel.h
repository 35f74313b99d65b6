/* What the files of the kernel share: plain loops that a compiler makes vector code of. No state, no threads. */
#ifndef FIELDSTACK_KERNEL_H
#define FIELDSTACK_KERNEL_H

#include <stddef.h>
#include <stdint.h>
#include <string.h>

/* To be raised with every change that the size of a structure does not show; also in structures.py. */
#define KERNEL_VERSION 4

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

/* A float near it has no binary places, so adding it rounds half to even: 1.5 * 2**23. */
#define ROUNDING 12582912.0f

/* Ask for a row that is needed soon. Rows of a rectangle are so short that a processor does not foresee the next ones. */
INLINE void fetch_ahead(const void *row, ptrdiff_t bytes) {
#if defined(__GNUC__)
    for (ptrdiff_t at = 0; at < bytes; at += 64) __builtin_prefetch((const char *)row + at);
#else
    (void)row, (void)bytes;
#endif
}

INLINE float rounded(float value) { return (value + ROUNDING) - ROUNDING; }

INLINE float at_least(float value, float least) { return value > least ? value : least; }

INLINE float at_most(float value, float most) { return value < most ? value : most; }

INLINE int within(int value, int end) { return value < 0 ? 0 : value >= end ? end - 1 : value; }

/* What warp.c is asked for. */
typedef struct {
    const void *source;     /* of uint8_t, or uint16_t if wide */
    ptrdiff_t source_row;   /* samples from one row to the next; the same below */
    int32_t source_width, source_height, wide;
    int32_t cubic;          /* else linear */
    double matrix[6];       /* x, y of the rectangle to x, y of the source, by rows; nearly the identity */
    float gain, offset;     /* of what is seen: gain * sample + offset */
    float *seen;            /* width x height, gap-less */
    int32_t width, height;
    float *scratch;         /* one row of the source, as far as a row of the rectangle reaches, and 8 samples more */
} warp;

void fieldstack_warp(const warp *w);

/* What band.c is asked for. */
typedef struct {
    const float *plane, *lower; /* held; and half its size */
    void *mean;                 /* place: of int16_t, or float if exact */
    ptrdiff_t plane_row, lower_row, mean_row;
} channel;

typedef struct {
    int32_t width, height;              /* of what is held; all of these are even */
    int32_t left, top, right, bottom;   /* of the place in it, multiples of 4 */
    int32_t channels, exact, fine;      /* fine: every cell speaks for its own pixels, see state.py: shares */
    float steps;                        /* of a stored mean per level */
    channel channel[3];
    const float *finer;                 /* energy of the next finer band, on the cells of what is held, or NULL */
    float *energy;                      /* what comes out: that of this band, gap-less */
    float *weight;                      /* the sum of the weights, on the cells of the place */
    uint16_t *mean_contrast, *top_contrast; /* on cells of 4x4 */
    /* What the focus map says on the cells of the place; depth is NULL without one, strength where it is typical. */
    const float *depth, *sharpness, *mixed, *strength;
    /* doubled: depth, sharpness and mixed are those of the whole canvas, map_width x map_height at half the size of the
     * cells; the place begins at these cells of it, which are even. */
    int32_t doubled, map_width, map_height, map_left, map_top;
    const float *cover;                 /* NULL where the frame covers everything; gap-less */
    ptrdiff_t finer_row, weight_row, mean_contrast_row, top_contrast_row;
    ptrdiff_t depth_row, sharpness_row, mixed_row, strength_row;
    float slot, typical, exponent, tilt;
    float *scratch;                     /* (channels + 0.5) * width * height + 16 * width */
} band;

void fieldstack_add_band(const band *b);

void fieldstack_reweigh_band(const band *b, const band *before);

#endif
