/* A rectangle of a frame as the reference frame sees it.
 *
 * Frames of a bracket are turned and scaled by a few per cent at most. So a picture is resampled along its columns
 * first and along its rows then, with a few taps each, instead of with all their products at once; in either direction
 * long runs of pixels lie at the same whole distance from their source and are loops over neighbours.
 */
#include "kernel.h"

#define AHEAD 6 /* rows */

INLINE int whole_below(double value) {
    int whole = (int)value;
    return whole - (value < whole);
}

/* How many steps (1..most) from `at` in 0..1 along a slope stay there. */
INLINE int run_length(double at, double slope, int most) {
    double steps = slope > 0 ? (1 - at) / slope : slope < 0 ? at / -slope : most;
    return steps >= most ? most : steps < 1 ? 1 : (int)steps;
}

/* The cubic that OpenCV uses too (R. G. Keys, IEEE ASSP 29(6), 1981, with a = -0.75), between the second and third. */
INLINE float cubic_between(float before, float first, float second, float after, float at) {
    const float a = -0.75f, rest = 1 - at;
    const float outer = a * at * rest, from_before = outer * rest, from_after = outer * at;
    const float from_second = ((a + 2) * rest - (a + 3)) * rest * rest + 1;
    const float from_first = 1 - from_second - from_before - from_after;
    return from_before * before + from_first * first + from_second * second + from_after * after;
}

INLINE float linear_between(float first, float second, float at) { return first + at * (second - first); }

/* `count` samples between four rows of the source, or between the middle two; `at` grows along them. */
#define BETWEEN_ROWS(name, kind)                                                                                       \
    INLINE void name(const kind *restrict before, const kind *restrict first, const kind *restrict second,             \
                     const kind *restrict after, int cubic, int count, float at, float slope, float *restrict out) {   \
        if (cubic)                                                                                                     \
            for (int x = 0; x < count; x++)                                                                            \
                out[x] = cubic_between(before[x], first[x], second[x], after[x], at + slope * (float)x);               \
        else                                                                                                           \
            for (int x = 0; x < count; x++) out[x] = linear_between(first[x], second[x], at + slope * (float)x);       \
    }
BETWEEN_ROWS(between_rows, uint8_t)
BETWEEN_ROWS(between_wide_rows, uint16_t)

/* Part of a row of the source's columns, between its rows from `row` on. */
INLINE void along_columns(const warp *w, int row, int left, int count, float at, float slope, float *out) {
    ptrdiff_t start[4];
    for (int i = 0; i < 4; i++) start[i] = within(row + i - 1, w->source_height) * w->source_row + left;
    if (w->wide) {
        const uint16_t *source = w->source;
        between_wide_rows(source + start[0], source + start[1], source + start[2], source + start[3], w->cubic, count,
                          at, slope, out);
    } else {
        const uint8_t *source = w->source;
        between_rows(source + start[0], source + start[1], source + start[2], source + start[3], w->cubic, count, at,
                     slope, out);
    }
}

/* `count` samples between neighbours of a row, from near[0] on. */
INLINE void along_row(const float *restrict near, int cubic, int count, float at, float slope, float gain, float offset,
                      float *restrict seen) {
    if (cubic)
        for (int x = 0; x < count; x++)
            seen[x] = offset + gain * cubic_between(near[x - 1], near[x], near[x + 1], near[x + 2], at + slope * (float)x);
    else
        for (int x = 0; x < count; x++)
            seen[x] = offset + gain * linear_between(near[x], near[x + 1], at + slope * (float)x);
}

EXPORTED void fieldstack_warp(const warp *w) {
    const double a = w->matrix[0], b = w->matrix[1], c = w->matrix[2];
    const double per_column = w->matrix[3] / a; /* rows of the source, along a row of the rectangle */
    for (int y = 0; y < w->height; y++) {
        const double start = b * y + c;
        const int first = whole_below(start) - 1, last = whole_below(start + a * (w->width - 1)) + 2;
        const int left = within(first, w->source_width), right = within(last, w->source_width);
        /* Their place in the scratch row: in it, even if the source is not. */
        const int from = within(left - first, last - first + 1), to = from + right - left;
        /* Where the rectangle's row crosses a column of the source, in rows of that. */
        const double base = w->matrix[4] * y + w->matrix[5] - per_column * start;
        const int soon = within(whole_below(base + per_column * left) + AHEAD, w->source_height);
        fetch_ahead((const char *)w->source + (soon * w->source_row + left) * (w->wide ? 2 : 1),
                    (ptrdiff_t)(right - left) * (w->wide ? 2 : 1));
        for (int x = left; x <= right;) {
            const double row = base + per_column * x;
            const int whole = whole_below(row), count = run_length(row - whole, per_column, right - x + 1);
            float *out = w->scratch + from + (x - left);
            along_columns(w, whole, x, count, (float)(row - whole), (float)per_column, out);
            x += count;
        }
        for (int x = 0; x < from; x++) w->scratch[x] = w->scratch[from];
        for (int x = to + 1; x <= last - first; x++) w->scratch[x] = w->scratch[to];

        float *seen = w->seen + (ptrdiff_t)y * w->width;
        for (int x = 0; x < w->width;) {
            const double column = start - first + a * x;
            const int whole = whole_below(column), count = run_length(column - whole, a - 1, w->width - x);
            along_row(w->scratch + whole, w->cubic, count, (float)(column - whole), (float)(a - 1), w->gain, w->offset,
                      seen + x);
            x += count;
        }
    }
}
