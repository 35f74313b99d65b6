/* One surface of a scene laid under what lies before it, in one block: what render.py and light.py do by OpenCV's calls.
 *
 * Most of a surface's pixels are empty where it is sharp (hair), so each pixel that is not spreads its light over its
 * disc, instead of every pixel gathering that of its surroundings. Plain C, no state, no threads.
 */
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#if defined(__x86_64__) && defined(__gnu_linux__) && !defined(__clang__) && __GNUC__ >= 12
#define EXPORTED __attribute__((visibility("default"), target_clones("arch=x86-64-v3", "default")))
#else
#define EXPORTED __attribute__((visibility("default")))
#endif
#define INLINE static inline __attribute__((always_inline))

#define LAYOUT 1 /* to be raised with every change here; also in compiled.py */
#define WIDEST 1024

typedef float pixel __attribute__((vector_size(16), aligned(4), may_alias)); /* b, g, r, coverage */
typedef float spot __attribute__((vector_size(32), aligned(4), may_alias));  /* the same, share, and nothing */

struct blur {
    const float *share;  /* (256,) of each depth value; NULL: all of it */
    const float *kernel; /* (2 radius + 1)², sums to 1 */
    int32_t radius, unused;
};

/* A part of a surface's copy at 1/scale. left, top: where the block begins in it, in px of the full size. */
struct copy {
    const uint8_t *bgra, *depth; /* without gaps between rows; NULL: there is none */
    const struct blur *blurs;
    int32_t count, width, height, scale, left, top;
};

/* Light drawn already at 1/4 of the size. */
struct large {
    const float *bgra, *whole; /* NULL: there is none */
    int32_t width, height, left, top;
};

struct block {
    float *picture; /* (height, width, 4) */
    float *scratch; /* 8 floats for each pixel of both copies */
    const float *decode; /* (256,) stored to linear light */
    int64_t row;    /* floats from one row of the picture to the next */
    int32_t width, height, flat;
    float veil, dense, hidden;
    struct copy copies[2];
    struct large behind, before;
};

EXPORTED int fieldstack_scene_layout(void) { return LAYOUT; }

INLINE int within(int at, int size) { return at < 0 ? 0 : at >= size ? size - 1 : at; }

/* Light and share of a copy, spread by one blur; beyond its edge lies what lies at the edge. */
INLINE void spread(const struct copy *copy, const struct blur *blur, const int radius, const float *decode,
                   spot *restrict light) {
    const int side = 2 * radius + 1, width = copy->width, height = copy->height;
    for (int y = -radius; y < height + radius; y++) {
        const ptrdiff_t from = (ptrdiff_t)within(y, height) * width;
        const int inner_row = y >= radius && y + radius < height;
        for (int x = -radius; x < width + radius; x++) {
            const ptrdiff_t at = from + within(x, width);
            const float share = blur->share ? blur->share[copy->depth[at]] : 1.0f;
            if (!(share > 0)) continue;
            const uint8_t *stored = copy->bgra + 4 * at;
            const spot own = {decode[stored[0]] * share, decode[stored[1]] * share, decode[stored[2]] * share,
                              decode[stored[3]] * share, share, 0, 0, 0};
            if (inner_row && x >= radius && x + radius < width) {
                spot *restrict to = light + (ptrdiff_t)(y - radius) * width + x - radius;
                for (int row = 0; row < side; row++, to += width)
                    for (int column = 0; column < side; column++) to[column] += own * blur->kernel[row * side + column];
                continue;
            }
            for (int row = 0; row < side; row++)
                for (int column = 0; column < side; column++) {
                    const int to_y = y - radius + row, to_x = x - radius + column;
                    if (to_y >= 0 && to_y < height && to_x >= 0 && to_x < width)
                        light[(ptrdiff_t)to_y * width + to_x] += own * blur->kernel[row * side + column];
                }
        }
    }
}

/* With a radius that the compiler knows the loops over the disc are none. */
INLINE void spread_by(const struct copy *copy, const struct blur *blur, const float *decode, spot *restrict light) {
    switch (blur->radius) {
    case 0: spread(copy, blur, 0, decode, light); break;
    case 1: spread(copy, blur, 1, decode, light); break;
    case 2: spread(copy, blur, 2, decode, light); break;
    case 3: spread(copy, blur, 3, decode, light); break;
    default: spread(copy, blur, blur->radius, decode, light);
    }
}

/* One row of an array at 1/scale at full size, linearly interpolated: between two rows first, then along the row. */
#define ENLARGE(name, kind)                                                                                            \
    INLINE void name(const kind *restrict in, int width, int height, const int scale, int left, int top, int count,    \
                     kind *restrict out) {                                                                             \
        const int units = 2 * scale; /* of a pixel: middles of fine pixels lie at odd ones */                          \
        const int down = 2 * top + 1 - scale + units, first = down / units - 1;                                        \
        const float below = (float)(down % units) / (float)units, unit = 1 / (float)units;                             \
        const kind *restrict upper = in + (ptrdiff_t)within(first, height) * width;                                    \
        const kind *restrict lower = in + (ptrdiff_t)within(first + 1, height) * width;                                \
        int across = 2 * left + 1 - scale + units, column = across / units - 1;                                        \
        across %= units;                                                                                               \
        kind one = upper[within(column, width)], two = upper[within(column + 1, width)];                               \
        one += (lower[within(column, width)] - one) * below, two += (lower[within(column + 1, width)] - two) * below;  \
        for (int x = 0; x < count; x++) {                                                                              \
            out[x] = one + (two - one) * ((float)across * unit);                                                       \
            across += 2;                                                                                               \
            if (across >= units) {                                                                                     \
                across -= units, column++, one = two;                                                                  \
                const int next = within(column + 1, width);                                                            \
                two = upper[next] + (lower[next] - upper[next]) * below;                                               \
            }                                                                                                          \
        }                                                                                                              \
    }

ENLARGE(enlarge_spots, spot)
ENLARGE(enlarge_pixels, pixel)
ENLARGE(enlarge_floats, float)

INLINE float at_least(float value, float least) { return value < least ? least : value; }
INLINE float at_most(float value, float most) { return value > most ? most : value; }

/* The first light hides the second. */
INLINE void hide(pixel *light, float *whole, pixel before, float whole_before) {
    *light = *light * at_least(1 - before[3], 0) + before;
    *whole = whole_before + *whole * (1 - at_most(whole_before, 1));
}

/* Premultiplied light with the unevenness of overlapping discs divided out where the surface is dense. */
INLINE pixel evened(pixel light, float whole, float veil, float dense) {
    const float closed = at_most(at_least((light[3] - veil) / (dense - veil), 0), 1);
    return light * (1 / (1 + closed * (at_least(whole, veil) - 1)));
}

EXPORTED void fieldstack_lay_surface(const struct block *block) {
    spot *light[2] = {NULL, NULL}, *room = (spot *)block->scratch;
    for (int i = 0; i < 2; i++) {
        const struct copy *copy = &block->copies[i];
        if (!copy->bgra) continue;
        const size_t size = (size_t)copy->width * (size_t)copy->height;
        memset(room, 0, size * sizeof(spot));
        light[i] = room, room += size;
        for (int n = 0; n < copy->count; n++) spread_by(copy, &copy->blurs[n], block->decode, light[i]);
    }
    spot spots[WIDEST];
    pixel large[2][WIDEST];
    float whole[2][WIDEST];
    memset(whole, 0, sizeof whole);
    const struct large *sides[2] = {&block->behind, &block->before};
    for (int y = 0; y < block->height; y++) {
        for (int i = 0; i < 2; i++) {
            const struct large *side = sides[i];
            if (!side->bgra) continue;
            enlarge_pixels((const pixel *)side->bgra, side->width, side->height, 4, side->left, side->top + y,
                           block->width, large[i]);
            if (side->whole)
                enlarge_floats(side->whole, side->width, side->height, 4, side->left, side->top + y, block->width,
                               whole[i]);
        }
        memset(spots, 0, (size_t)block->width * sizeof(spot));
        for (int i = 0; i < 2; i++) {
            const struct copy *copy = &block->copies[i];
            if (!light[i]) continue;
            if (copy->scale > 1) {
                spot enlarged[WIDEST];
                enlarge_spots(light[i], copy->width, copy->height, copy->scale, copy->left, copy->top + y,
                              block->width, enlarged);
                for (int x = 0; x < block->width; x++) spots[x] += enlarged[x];
            } else {
                const spot *from = light[i] + (ptrdiff_t)(copy->top + y) * copy->width + copy->left;
                for (int x = 0; x < block->width; x++) spots[x] += from[x];
            }
        }
        pixel *restrict to = (pixel *)(block->picture + y * block->row);
        for (int x = 0; x < block->width; x++) {
            if (to[x][3] > block->hidden) continue;
            pixel here = {0, 0, 0, 0};
            float here_whole = 0;
            if (block->behind.bgra) here = large[0][x], here_whole = whole[0][x];
            const pixel sharp = {spots[x][0], spots[x][1], spots[x][2], spots[x][3]};
            hide(&here, &here_whole, sharp, spots[x][4]);
            if (block->before.bgra) hide(&here, &here_whole, large[1][x], whole[1][x]);
            if (!block->flat) here = evened(here, here_whole, block->veil, block->dense);
            to[x] += here * at_least(1 - to[x][3], 0);
        }
    }
}
