/* Logarithm and exponential that a compiler can make vector code of. */
#ifndef FIELDSTACK_MATHEMATICS_H
#define FIELDSTACK_MATHEMATICS_H

#include "kernel.h"

INLINE int32_t bits_of(float value) {
    int32_t bits;
    memcpy(&bits, &value, sizeof bits);
    return bits;
}

INLINE float of_bits(int32_t bits) {
    float value;
    memcpy(&value, &bits, sizeof value);
    return value;
}

/* Natural logarithm of a normal number above 0, to the last bits (S. L. Moshier's Cephes library: logf). */
INLINE float logarithm(float value) {
    const int32_t root_of_half = 0x3f3504f3, bits = bits_of(value) - root_of_half;
    const float exponent = (float)(bits >> 23), x = of_bits((bits & 0x7fffff) + root_of_half) - 1;
    float y = 7.0376836292e-2f;
    y = y * x - 1.1514610310e-1f;
    y = y * x + 1.1676998740e-1f;
    y = y * x - 1.2420140846e-1f;
    y = y * x + 1.4249322787e-1f;
    y = y * x - 1.6668057665e-1f;
    y = y * x + 2.0000714765e-1f;
    y = y * x - 2.4999993993e-1f;
    y = y * x + 3.3333331174e-1f;
    y = y * x * x * x - 2.12194440e-4f * exponent - 0.5f * x * x;
    return x + y + 0.693359375f * exponent;
}

/* e to a power between -87 and 87 (Cephes: expf). */
INLINE float exponential(float power) {
    const float shifted = power * 1.44269504f + ROUNDING, whole = shifted - ROUNDING;
    const float x = power - whole * 0.693359375f + whole * 2.12194440e-4f;
    float y = 1.9875691500e-4f;
    y = y * x + 1.3981999507e-3f;
    y = y * x + 8.3334519073e-3f;
    y = y * x + 4.1665795894e-2f;
    y = y * x + 1.6666665459e-1f;
    y = y * x + 5.0000001201e-1f;
    y = y * x * x + x + 1;
    return of_bits(bits_of(y) + ((bits_of(shifted) - bits_of(ROUNDING)) << 23));
}

#endif
