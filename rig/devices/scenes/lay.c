/* One surface of a scene laid under what lies before it, in one block: what render.py and light.py do by OpenCV's calls.
 *
 * Most of a surface's pixels are empty where it is sharp (hair), so each pixel that is not spreads its light over its
 * disc, instead of every pixel gathering that of its surroundings. Plain C, no state, no threads.
 */
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "lay.h"

#define INLINE static inline __attribute__((always_inline))

#define LAYOUT 3 /* to be raised with every change here and in develop.c; also in compiled.py */
#define WIDEST 1024

typedef float pixel __attribute__((vector_size(16), aligned(4), may_alias)); /* b, g, r, coverage */
typedef float spot __attribute__((vector_size(32), aligned(4), may_alias));  /* the same, share, and nothing */

/* A part of a surface's copy at 1/scale. left, top: where the block begins in it, in px of the full size. */
struct copy {
    const uint8_t *bgra, *depth; /* without gaps between rows; NULL: there is none */
    const float *discs;          /* (256, (2 reach + 1)²): what of a pixel with each depth value falls where */
    const int8_t *radii;         /* (256,) of those discs, at most reach; -1: nothing of it is drawn here */
    int32_t reach, width, height, scale, left, top;
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

/* The light of one pixel, spread over its disc: a square of so many pixels around it. */
INLINE void spread(const spot own, const float *disc, const int radius, int reach, spot *restrict middle, int width) {
    const float *row = disc + (reach - radius) * (2 * reach + 2);
    spot *restrict to = middle - (ptrdiff_t)radius * width - radius;
    for (int y = 0; y <= 2 * radius; y++, to += width, row += 2 * reach + 1)
        for (int x = 0; x <= 2 * radius; x++) to[x] += own * row[x];
}

/* The same where a part of the disc lies outside. */
INLINE void spread_within(const spot own, const float *disc, int radius, int reach, const struct copy *copy, int x,
                          int y, spot *restrict light) {
    for (int down = -radius; down <= radius; down++)
        for (int across = -radius; across <= radius; across++) {
            const int to_y = y + down, to_x = x + across;
            if (to_y >= 0 && to_y < copy->height && to_x >= 0 && to_x < copy->width)
                light[(ptrdiff_t)to_y * copy->width + to_x] +=
                    own * disc[(reach + down) * (2 * reach + 1) + reach + across];
        }
}

/* Light and share of a copy, each pixel's spread over its disc; beyond its edge lies what lies at the edge. */
INLINE void spread_all(const struct copy *copy, const float *decode, spot *restrict light) {
    const int reach = copy->reach, width = copy->width, height = copy->height;
    const ptrdiff_t size = (ptrdiff_t)(2 * reach + 1) * (2 * reach + 1);
    for (int y = -reach; y < height + reach; y++) {
        const ptrdiff_t from = (ptrdiff_t)within(y, height) * width;
        for (int x = -reach; x < width + reach; x++) {
            const ptrdiff_t at = from + within(x, width);
            const uint8_t depth = copy->depth[at];
            const int radius = copy->radii[depth];
            if (radius < 0) continue;
            const uint8_t *stored = copy->bgra + 4 * at;
            const spot own = {decode[stored[0]], decode[stored[1]], decode[stored[2]], decode[stored[3]], 1, 0, 0, 0};
            const float *disc = copy->discs + depth * size;
            if (y < radius || y + radius >= height || x < radius || x + radius >= width) {
                spread_within(own, disc, radius, reach, copy, x, y, light);
                continue;
            }
            spot *middle = light + (ptrdiff_t)y * width + x;
            switch (radius) { /* with one that the compiler knows the loops over the disc are none */
            case 0: spread(own, disc, 0, reach, middle, width); break;
            case 1: spread(own, disc, 1, reach, middle, width); break;
            case 2: spread(own, disc, 2, reach, middle, width); break;
            default: spread(own, disc, radius, reach, middle, width);
            }
        }
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
        spread_all(copy, block->decode, light[i]);
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
