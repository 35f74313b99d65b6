/* The finest levels of one frame into the running result, in one rectangle: what Fuser._add_fine in stacker/fusion.py does.
 *
 * In one call for a rectangle, so that a thread asks for Python's lock some hundred times a frame and not some ten thousand.
 */
#include "kernel.h"

#define APRON 16 /* patches.py: APRON_PX */
#define FINE_LEVELS 2 /* state.py */
#define FAR_INSIDE 16.0 /* patches.py: margin_inside */
#define RIM 6.0f /* view.py: _RIM_PX */
#define KEPT_STEPS 64.0f /* fusion.py: _KEPT_STEPS */

/* A frame, and what it goes into: all for the whole canvas. */
typedef struct {
    warp seen[3];               /* luma, blue and red; their rectangle is the canvas */
    float by_light[2];          /* of the luma as seen, to be added to chroma: FrameView._balanced */
    int32_t chroma_shift, width, height; /* of the canvas */
    int32_t picture_width, picture_height;
    band band[FINE_LEVELS];     /* pointers to where the canvas begins, or would if all its rows were held */
    void *small[3];             /* what the coarse levels are made from, int16_t or float if exact; NULL: they are not */
    ptrdiff_t small_row;
} frame;

/* So that a library of another version is not taken for this one: stacker/kernel/__init__.py compares. */
EXPORTED int32_t fieldstack_layout(void) { return 1000 * KERNEL_VERSION + (int32_t)sizeof(frame); }

typedef struct {
    int top, left, bottom, right;
} patch;

INLINE patch at(patch of, int level) {
    const patch halved = {of.top >> level, of.left >> level, of.bottom >> level, of.right >> level};
    return halved;
}

/* Half the size, low-passed with 1 4 6 4 1 either way, mirrored at the edges: pyramid.down. */
INLINE void down(const float *restrict plane, int width, int height, float *restrict column, float *restrict out) {
    const int last = width / 2 - 1;
    for (int y = 0; y < height / 2; y++, out += width / 2) {
        const int above = y ? 2 * y - 2 : 2, below = 2 * y + 2 < height ? 2 * y + 2 : height - 2;
        const float *restrict here = plane + (ptrdiff_t)2 * y * width;
        const float *restrict a = plane + (ptrdiff_t)above * width, *restrict b = plane + (ptrdiff_t)(y ? 2 * y - 1 : 1) * width;
        const float *restrict c = here + width, *restrict d = plane + (ptrdiff_t)below * width;
        for (int x = 0; x < width; x++) column[x] = (a[x] + 4 * (b[x] + c[x]) + 6 * here[x] + d[x]) * (1 / 256.0f);
        out[0] = 6 * column[0] + 8 * column[1] + 2 * column[2];
        for (int x = 1; x < last; x++)
            out[x] = column[2 * x - 2] + 4 * (column[2 * x - 1] + column[2 * x + 1]) + 6 * column[2 * x] + column[2 * x + 2];
        out[last] = column[2 * last - 2] + 4 * (column[2 * last - 1] + column[2 * last + 1]) + 7 * column[2 * last];
    }
}

/* A rectangle of one plane of the frame. */
INLINE void see(const frame *f, int plane, patch place, float *scratch, float *out) {
    warp w = f->seen[plane];
    w.matrix[2] += w.matrix[0] * place.left + w.matrix[1] * place.top;
    w.matrix[5] += w.matrix[3] * place.left + w.matrix[4] * place.top;
    w.width = place.right - place.left, w.height = place.bottom - place.top;
    w.seen = out, w.scratch = scratch;
    fieldstack_warp(&w);
}

/* Chroma of a rectangle, in chroma pixels; blue and red follow one another. */
INLINE void see_chroma(const frame *f, patch place, const float *restrict luma, float *scratch, float *out) {
    const ptrdiff_t size = (ptrdiff_t)(place.right - place.left) * (place.bottom - place.top);
    for (int c = 0; c < 2; c++) {
        float *restrict chroma = out + c * size;
        const float by_light = f->by_light[c];
        see(f, 1 + c, place, scratch, chroma);
        if (by_light != 0)
            for (ptrdiff_t i = 0; i < size; i++) chroma[i] += by_light * luma[i];
    }
}

/* 0 where the frame does not reach, rising to 1 inside its outline, on the cells of a place; false where it is 1 everywhere:
 * FrameView.cover. place: pixels of the canvas; cells are step x step of them. */
INLINE int cover_cells(const frame *f, patch place, int step, float *restrict cover) {
    const double *m = f->seen[0].matrix, most_x = f->seen[0].source_width - 1, most_y = f->seen[0].source_height - 1;
    const double end_x = f->picture_width - 1, end_y = f->picture_height - 1;
    double least = FAR_INSIDE + 1;
    for (int corner = 0; corner < 4; corner++) {
        double x = corner % 2 ? place.right : place.left, y = corner / 2 ? place.bottom : place.top;
        x = x < end_x ? x : end_x, y = y < end_y ? y : end_y;
        const double there_x = m[0] * x + m[1] * y + m[2], there_y = m[3] * x + m[4] * y + m[5];
        const double inside[4] = {there_x, most_x - there_x, there_y, most_y - there_y};
        for (int side = 0; side < 4; side++) least = inside[side] < least ? inside[side] : least;
    }
    if (least > FAR_INSIDE) return 0;
    const double half = (step - 1) / 2.0;
    for (int top = place.top; top < place.bottom; top += step)
        for (int left = place.left; left < place.right; left += step) {
            double x = left + half, y = top + half;
            x = x < end_x ? x : end_x, y = y < end_y ? y : end_y;
            const double there_x = m[0] * x + m[1] * y + m[2], there_y = m[3] * x + m[4] * y + m[5];
            const double inside_x = there_x < most_x - there_x ? there_x : most_x - there_x;
            const double inside_y = there_y < most_y - there_y ? there_y : most_y - there_y;
            const float inside = (float)(inside_x < inside_y ? inside_x : inside_y);
            *cover++ = at_most(at_least((inside + 1) / RIM, 0), 1);
        }
    return 1;
}

/* The band of one level. planes, lower: of what is held, one after another. */
INLINE void add_band(const frame *f, int level, patch whole, patch grown, const float *planes, const float *lower,
                     const float *finer, float *energy, float *cover, float *scratch) {
    const patch place = at(whole, level), held = at(grown, level), cells = at(place, 1), groups = at(place, 2);
    band b = f->band[level];
    b.width = held.right - held.left, b.height = held.bottom - held.top;
    b.left = place.left - held.left, b.right = place.right - held.left;
    b.top = place.top - held.top, b.bottom = place.bottom - held.top;
    const ptrdiff_t size = (ptrdiff_t)b.width * b.height;
    for (int c = 0; c < b.channels; c++) {
        channel *of = &b.channel[c];
        of->plane = planes + c * size, of->lower = lower + c * (size / 4);
        of->plane_row = b.width, of->lower_row = b.width / 2;
        of->mean = (char *)of->mean + (place.top * of->mean_row + place.left) * (b.exact ? sizeof(float) : sizeof(int16_t));
    }
    b.finer = finer, b.finer_row = b.width / 2;
    b.energy = energy;
    b.weight += cells.top * b.weight_row + cells.left;
    b.mean_contrast += groups.top * b.mean_contrast_row + groups.left;
    b.top_contrast += groups.top * b.top_contrast_row + groups.left;
    if (b.depth && b.doubled) {
        b.map_left = cells.left, b.map_top = cells.top;
    } else if (b.depth) {
        b.depth += cells.top * b.depth_row + cells.left;
        b.sharpness += cells.top * b.sharpness_row + cells.left;
        b.mixed += cells.top * b.mixed_row + cells.left;
    }
    b.cover = cover_cells(f, whole, 2 << level, cover) ? cover : NULL;
    b.scratch = scratch;
    fieldstack_add_band(&b);
}

/* Means of 2x2 cells: state.reduce. */
INLINE void reduce(const float *restrict cells, int width, int height, float *restrict out) {
    for (int y = 0; y < height / 2; y++, out += width / 2) {
        const float *restrict first = cells + (ptrdiff_t)2 * y * width, *restrict second = first + width;
        for (int x = 0; x < width / 2; x++)
            out[x] = 0.25f * (first[2 * x] + first[2 * x + 1] + second[2 * x] + second[2 * x + 1]);
    }
}

/* A plane of a coarse level put aside: fusion._keep. */
INLINE void keep(const frame *f, int plane, patch place, const float *from, int from_row) {
    for (int y = place.top; y < place.bottom; y++, from += from_row) {
        const ptrdiff_t start = y * f->small_row + place.left;
        const int count = place.right - place.left;
        if (f->band[0].exact) {
            memcpy((float *)f->small[plane] + start, from, count * sizeof *from);
        } else {
            int16_t *restrict kept = (int16_t *)f->small[plane] + start;
            for (int x = 0; x < count; x++) kept[x] = (int16_t)(int32_t)rounded(from[x] * KEPT_STEPS);
        }
    }
}

/* top..right: the rectangle, in pixels of the canvas. adds: else only what the coarse levels need is made. scratch: see
 * _floats_needed in patches.py. */
EXPORTED void fieldstack_add_patch(const frame *f, int top, int left, int bottom, int right, int adds, float *scratch) {
    const patch place = {top, left, bottom, right};
    const patch held = {top > APRON ? top - APRON : 0, left > APRON ? left - APRON : 0,
                        bottom + APRON < f->height ? bottom + APRON : f->height,
                        right + APRON < f->width ? right + APRON : f->width};
    const int width = held.right - held.left, height = held.bottom - held.top;
    const ptrdiff_t size = (ptrdiff_t)width * height, fullest = f->chroma_shift ? size : 3 * size;
    float *planes = scratch, *lower = planes + fullest, *lowest = lower + 3 * (size / 4);
    float *energies = lowest + 3 * (size / 16), *energy = energies + size / 4, *finer = energy + size / 16;
    float *cover = finer + size / 16, *rest = cover + size / 4;
    float *of_level[FINE_LEVELS + 1] = {planes, lower, lowest};

    see(f, 0, held, rest, planes);
    if (!f->chroma_shift) see_chroma(f, held, planes, rest, planes + size);
    for (int level = 0; level < FINE_LEVELS; level++) {
        const int known = level >= f->chroma_shift ? 3 : 1;
        const ptrdiff_t here = size >> 2 * level, below = size >> 2 * (level + 1);
        for (int c = 0; c < known; c++)
            down(of_level[level] + c * here, width >> level, height >> level, rest, of_level[level + 1] + c * below);
        if (level + 1 == f->chroma_shift)
            see_chroma(f, at(held, level + 1), of_level[level + 1], rest, of_level[level + 1] + below);
        if (!adds) continue;
        add_band(f, level, place, held, of_level[level], of_level[level + 1], level ? finer : NULL, level ? energy : energies,
                 cover, rest);
        if (level == 0) reduce(energies, width / 2, height / 2, finer);
    }
    if (!f->small[0]) return;
    const patch low = at(place, FINE_LEVELS), low_held = at(held, FINE_LEVELS);
    const int low_width = low_held.right - low_held.left;
    const ptrdiff_t inner = (ptrdiff_t)(low.top - low_held.top) * low_width + low.left - low_held.left;
    for (int c = 0; c < 3; c++) keep(f, c, low, lowest + c * (size / 16) + inner, low_width);
}

/* The finest levels of what is fused in a rectangle, weighed anew: see fieldstack_reweigh_band. f: only its size and bands
 * count, with the new focus map. before: depth, sharpness and mixed of the rectangle, for each level, by the old one, on
 * the same grids; gap-less. scratch: see _floats_to_reweigh in finest.py. */
EXPORTED void fieldstack_reweigh_patch(const frame *f, int top, int left, int bottom, int right,
                                       const float *const *before, float *scratch) {
    const patch whole = {top, left, bottom, right};
    const ptrdiff_t size = (ptrdiff_t)(right - left) * (bottom - top);
    float *energies = scratch, *energy = energies + size / 4, *finer = energy + size / 16, *rest = finer + size / 16;
    for (int level = 0; level < FINE_LEVELS; level++, before += 3) {
        const patch place = at(whole, level), cells = at(place, 1);
        band b = f->band[level];
        const patch map = b.doubled ? at(cells, 1) : cells;
        b.left = b.top = 0;
        b.width = b.right = place.right - place.left, b.height = b.bottom = place.bottom - place.top;
        for (int c = 0; c < b.channels; c++) {
            channel *of = &b.channel[c];
            of->mean = (char *)of->mean + (place.top * of->mean_row + place.left) * (b.exact ? sizeof(float) : sizeof(int16_t));
        }
        b.weight += cells.top * b.weight_row + cells.left;
        b.depth += map.top * b.depth_row + map.left;
        b.sharpness += map.top * b.sharpness_row + map.left;
        b.mixed += map.top * b.mixed_row + map.left;
        /* Only the map of the rectangle itself was kept, so neither is interpolated with what lies around it. */
        b.map_left = b.map_top = 0;
        b.map_width = map.right - map.left, b.map_height = map.bottom - map.top;
        b.finer = level ? finer : NULL, b.finer_row = b.width / 2;
        b.energy = level ? energy : energies;
        b.scratch = rest;
        band then = b;
        then.depth = before[0], then.sharpness = before[1], then.mixed = before[2];
        then.depth_row = then.sharpness_row = then.mixed_row = b.map_width;
        fieldstack_reweigh_band(&b, &then);
        if (level == 0) reduce(energies, b.width / 2, b.height / 2, finer);
    }
}
