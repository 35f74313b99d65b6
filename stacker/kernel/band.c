/* One band of one frame into the running result, in one rectangle: what Fuser._add_band in stacker/fusion.py does.
 *
 * There it is some forty calls, each of which reads and writes whole planes; here it is three passes over rows that are
 * still in the cache: detail and its energy, weights, means. Names are those of fusion.py, prior.py and state.py.
 */
#include <float.h>
#include <math.h>

#include "kernel.h"
#include "mathematics.h"

#define NOISE_ENERGY 4.0f       /* prior.py: _NOISE squared */
#define LIMIT 60.0f             /* fusion.py: _LIMIT */
#define CONTRAST_STEPS 64.0f    /* state.py */
#define LEAST_CHANGE -40.0f     /* reweigh.py */
#define MOST_CHANGE 10.0f
#define AHEAD 4 /* rows */
#define MIDDLE 0.66724298f      /* of a Gaussian of three taps, sigma 0.6: cv2.getGaussianKernel(3, 0.6) */
#define SIDE 0.16637851f

/* A row of a plane less its low-passed copy, which is already interpolated between rows: pyramid.up. */
INLINE void row_of_detail(const float *restrict plane, const float *restrict low, int half, float *restrict detail) {
    const int last = half - 1;
    detail[0] = plane[0] - (2 * low[1] + 6 * low[0]);
    detail[1] = plane[1] - 4 * (low[0] + low[1]);
    for (int x = 1; x < last; x++) {
        detail[2 * x] = plane[2 * x] - (low[x - 1] + 6 * low[x] + low[x + 1]);
        detail[2 * x + 1] = plane[2 * x + 1] - 4 * (low[x] + low[x + 1]);
    }
    detail[2 * last] = plane[2 * last] - (low[last - 1] + 7 * low[last]);
    detail[2 * last + 1] = plane[2 * last + 1] - 8 * low[last];
}

/* Details of every channel into the scratch, and their energy. */
INLINE void take_details(const band *b, float *details, float *rows) {
    const int half = b->width / 2, last = b->height / 2 - 1;
    float *restrict even = rows, *restrict odd = rows + half;
    for (int y = 0; y <= last; y++) {
        float *restrict energy = b->energy + (ptrdiff_t)y * half;
        if (b->finer)
            memcpy(energy, b->finer + y * b->finer_row, half * sizeof *energy);
        else
            memset(energy, 0, half * sizeof *energy);
        for (int c = 0; c < b->channels; c++) {
            const channel *of = &b->channel[c];
            const float *restrict here = of->lower + y * of->lower_row;
            const float *restrict above = of->lower + (y ? y - 1 : 1) * of->lower_row;
            const float *restrict below = of->lower + (y < last ? y + 1 : last) * of->lower_row;
            for (int x = 0; x < half; x++) {
                even[x] = (above[x] + 6 * here[x] + below[x]) * (1 / 64.0f);
                odd[x] = (here[x] + below[x]) * (1 / 16.0f);
            }
            float *restrict first = details + ((ptrdiff_t)c * b->height + 2 * y) * b->width;
            float *restrict second = first + b->width;
            const float *plane = of->plane + 2 * y * of->plane_row;
            row_of_detail(plane, even, half, first);
            row_of_detail(plane + of->plane_row, odd, half, second);
            for (int x = 0; x < half; x++)
                energy[x] += 0.25f * (first[2 * x] * first[2 * x] + first[2 * x + 1] * first[2 * x + 1] +
                                      second[2 * x] * second[2 * x] + second[2 * x + 1] * second[2 * x + 1]);
        }
    }
}

/* A row of cells of the place out of the energy, blurred: cv2.GaussianBlur with mirrored borders. */
INLINE void smooth_row(const band *b, int y, float *restrict column, float *restrict smooth) {
    const int cells = b->width / 2, rows = b->height / 2, left = b->left / 2, count = (b->right - b->left) / 2;
    const float *restrict here = b->energy + (ptrdiff_t)y * cells;
    const float *restrict above = b->energy + (ptrdiff_t)(y ? y - 1 : 1) * cells;
    const float *restrict below = b->energy + (ptrdiff_t)(y < rows - 1 ? y + 1 : rows - 2) * cells;
    const int before = left > 0, after = left + count < cells;
    /* column[0] is the cell left of the place */
    for (int x = 1 - before; x < count + 1 + after; x++) {
        const int at = left + x - 1;
        column[x] = SIDE * (above[at] + below[at]) + MIDDLE * here[at];
    }
    if (!before) column[0] = column[2];
    if (!after) column[count + 1] = column[count - 1];
    for (int x = 0; x < count; x++) smooth[x] = SIDE * (column[x] + column[x + 2]) + MIDDLE * column[x + 1];
}

/* A row of the place's cells out of a map of half their size, linearly: cv2.resize. */
INLINE void doubled_row(const band *b, const float *map, ptrdiff_t map_row, int y, float *restrict mixed, float *restrict out) {
    const int count = (b->right - b->left) / 4, first = b->map_left / 2 - 1, row = (b->map_top + y) / 2;
    const int beside = within((b->map_top + y) % 2 ? row + 1 : row - 1, b->map_height);
    const float *restrict near = map + row * map_row, *restrict far = map + beside * map_row;
    const int before = first < 0, after = first + count + 1 >= b->map_width;
    for (int x = before; x < count + 2 - after; x++) mixed[x] = 0.75f * near[first + x] + 0.25f * far[first + x];
    if (before) mixed[0] = mixed[1];
    if (after) mixed[count + 1] = mixed[count];
    for (int x = 0; x < count; x++) {
        out[2 * x] = 0.25f * mixed[x] + 0.75f * mixed[x + 1];
        out[2 * x + 1] = 0.75f * mixed[x + 1] + 0.25f * mixed[x + 2];
    }
}

/* Logarithms of the weights of a row of cells from their smoothed energy: PriorPatch.log_weight_of. nearest: not of the
 * frame at the slot, but of the one nearest to the depth of all up to it. */
INLINE void log_weigh_row(const band *b, int y, const float *restrict smooth, const int nearest, float *rows,
                          float *restrict weight) {
    const int count = (b->right - b->left) / 2;
    const float *restrict strength = b->strength ? b->strength + y * b->strength_row : NULL;
    for (int x = 0; x < count; x++)
        weight[x] = logarithm(smooth[x] + NOISE_ENERGY) - (strength ? strength[x] : b->typical);
    if (!b->depth) {
        for (int x = 0; x < count; x++) weight[x] *= b->exponent / 2;
    } else {
        const float *restrict depth, *restrict sharpness, *restrict mixed;
        if (b->doubled) {
            float *room = rows + 3 * b->width;
            doubled_row(b, b->depth, b->depth_row, y, room, rows);
            doubled_row(b, b->sharpness, b->sharpness_row, y, room, rows + b->width);
            doubled_row(b, b->mixed, b->mixed_row, y, room, rows + 2 * b->width);
            depth = rows, sharpness = rows + b->width, mixed = rows + 2 * b->width;
        } else {
            depth = b->depth + y * b->depth_row, mixed = b->mixed + y * b->mixed_row;
            sharpness = b->sharpness + y * b->sharpness_row;
        }
        for (int x = 0; x < count; x++) {
            const float distance = b->slot - depth[x], away = nearest ? at_most(distance, 0) : distance;
            const float by_depth = sharpness[x] * away * away - logarithm(sharpness[x]);
            weight[x] = weight[x] * mixed[x] * (b->exponent / 2) + (mixed[x] - 1) * 0.5f * by_depth;
        }
        if (b->tilt != 0)
            for (int x = 0; x < count; x++) {
                const float distance = b->slot - depth[x], away = nearest ? at_most(distance, 0) : distance;
                const float behind = away * sqrtf(sharpness[x]) / 2;
                weight[x] += b->tilt * mixed[x] * at_most(at_least(behind, -1), 1);
            }
    }
}

/* Weights of a row of cells: Fuser._weight. */
INLINE void weigh_row(const band *b, int y, const float *restrict smooth, float *rows, float *restrict weight) {
    const int count = (b->right - b->left) / 2;
    log_weigh_row(b, y, smooth, 0, rows, weight);
    for (int x = 0; x < count; x++) weight[x] = exponential(at_most(at_least(weight[x], -LIMIT), LIMIT));
    if (b->cover) {
        const float *restrict cover = b->cover + (ptrdiff_t)y * count;
        for (int x = 0; x < count; x++) weight[x] *= cover[x];
    }
}

/* Mean and highest contrast of a row of cells of 4x4, from two rows of smaller cells. */
INLINE void keep_contrast(const band *b, int y, const float *restrict smooth, const float *restrict weight, int apart) {
    const int count = (b->right - b->left) / 4;
    const float *restrict total = b->weight + 2 * y * b->weight_row;
    uint16_t *restrict mean = b->mean_contrast + y * b->mean_contrast_row;
    uint16_t *restrict top = b->top_contrast + y * b->top_contrast_row;
    for (int x = 0; x < count; x++) {
        const int i = 2 * x, j = i + apart, k = i + (int)b->weight_row;
        const float power = 0.25f * (smooth[i] + smooth[i + 1] + smooth[j] + smooth[j + 1]);
        const float contrast = at_most(sqrtf(power) * CONTRAST_STEPS, 65535);
        const float part = weight[i] + weight[i + 1] + weight[j] + weight[j + 1];
        const float whole = total[i] + total[i + 1] + total[k] + total[k + 1];
        const float before = mean[x], seen = (part > 0 ? 1.0f : 0.0f) * rounded(contrast);
        mean[x] = (uint16_t)(int32_t)rounded(before + part / at_least(whole, FLT_MIN) * (contrast - before));
        top[x] = (uint16_t)(int32_t)at_least(seen, top[x]);
    }
}

/* A row of cells at twice its size, linearly: cv2.resize. */
INLINE void widen(const float *restrict cells, int count, float *restrict wide) {
    wide[0] = cells[0];
    for (int x = 0; x < count - 1; x++) {
        wide[2 * x + 1] = 0.75f * cells[x] + 0.25f * cells[x + 1];
        wide[2 * x + 2] = 0.25f * cells[x] + 0.75f * cells[x + 1];
    }
    wide[2 * count - 1] = cells[count - 1];
}

INLINE void move_towards(const band *b, int c, int y, const float *restrict detail, const float *restrict share) {
    const int count = b->right - b->left;
    if (b->exact) {
        float *restrict mean = (float *)b->channel[c].mean + y * b->channel[c].mean_row;
        for (int x = 0; x < count; x++) mean[x] += share[x] * (b->steps * detail[x] - mean[x]);
    } else {
        int16_t *restrict mean = (int16_t *)b->channel[c].mean + y * b->channel[c].mean_row;
        fetch_ahead(mean + AHEAD * b->channel[c].mean_row, count * sizeof *mean);
        for (int x = 0; x < count; x++) {
            const float before = mean[x];
            mean[x] = (int16_t)(int32_t)rounded(before + share[x] * (b->steps * detail[x] - before));
        }
    }
}

/* The share of the frame at each pixel of row y of the place. */
INLINE void share_row(const band *b, int y, const float *weights, float *rows, float *restrict share) {
    const int count = (b->right - b->left) / 2, last = (b->bottom - b->top) / 2 - 1;
    const int near = y / 2, beside = y % 2 ? (near < last ? near + 1 : last) : (near ? near - 1 : 0);
    const float *restrict weight = weights + (ptrdiff_t)near * count, *restrict total = b->weight + near * b->weight_row;
    if (b->fine) {
        float *restrict of_cells = rows;
        for (int x = 0; x < count; x++) of_cells[x] = weight[x] / at_least(total[x], FLT_MIN);
        for (int x = 0; x < count; x++) share[2 * x] = share[2 * x + 1] = of_cells[x];
        return;
    }
    const float *restrict weight2 = weights + (ptrdiff_t)beside * count, *restrict total2 = b->weight + beside * b->weight_row;
    float *restrict part = rows, *restrict whole = rows + count, *restrict wide = rows + 2 * count;
    for (int x = 0; x < count; x++) {
        part[x] = 0.75f * weight[x] + 0.25f * weight2[x];
        whole[x] = 0.75f * total[x] + 0.25f * total2[x];
    }
    widen(part, count, share);
    widen(whole, count, wide);
    for (int x = 0; x < 2 * count; x++) share[x] /= at_least(wide[x], FLT_MIN);
}

EXPORTED void fieldstack_add_band(const band *b) {
    const ptrdiff_t size = (ptrdiff_t)b->width * b->height;
    const int count = (b->right - b->left) / 2, rows_of_cells = (b->bottom - b->top) / 2;
    float *details = b->scratch, *weights = details + b->channels * size, *smooth = weights + size / 4;
    float *rows = smooth + size / 4, *share = rows + 8 * b->width;

    take_details(b, details, rows);
    for (int y = 0; y < rows_of_cells; y++) {
        float *restrict weight = weights + (ptrdiff_t)y * count, *restrict total = b->weight + y * b->weight_row;
        float *smoothed = smooth + (ptrdiff_t)y * count;
        fetch_ahead(total + AHEAD * b->weight_row, count * sizeof *total);
        smooth_row(b, b->top / 2 + y, rows, smoothed);
        weigh_row(b, y, smoothed, rows, weight);
        for (int x = 0; x < count; x++) total[x] += weight[x];
        if (y % 2) keep_contrast(b, y / 2, smoothed - count, weight - count, count);
    }
    for (int y = 0; y < b->bottom - b->top; y++) {
        if (!b->fine || y % 2 == 0) share_row(b, y, weights, rows, share);
        for (int c = 0; c < b->channels; c++)
            move_towards(b, c, y, details + ((ptrdiff_t)c * b->height + b->top + y) * b->width + b->left, share);
    }
}

/* The energy of what is fused in a row of cells of the place, which is all that is held. */
INLINE void energy_of_means(const band *b, int y, float *restrict energy) {
    const int half = b->width / 2;
    const float share = 0.25f / (b->steps * b->steps);
    if (b->finer)
        memcpy(energy, b->finer + y * b->finer_row, half * sizeof *energy);
    else
        memset(energy, 0, half * sizeof *energy);
    for (int c = 0; c < b->channels; c++) {
        const ptrdiff_t row = b->channel[c].mean_row, start = 2 * y * row;
        if (b->exact) {
            const float *restrict first = (const float *)b->channel[c].mean + start, *restrict second = first + row;
            for (int x = 0; x < half; x++)
                energy[x] += share * (first[2 * x] * first[2 * x] + first[2 * x + 1] * first[2 * x + 1] +
                                      second[2 * x] * second[2 * x] + second[2 * x + 1] * second[2 * x + 1]);
        } else {
            const int16_t *restrict first = (const int16_t *)b->channel[c].mean + start, *restrict second = first + row;
            for (int x = 0; x < half; x++) {
                const float i = first[2 * x], j = first[2 * x + 1], k = second[2 * x], l = second[2 * x + 1];
                energy[x] += share * (i * i + j * j + k * k + l * l);
            }
        }
    }
}

/* The sum of the weights in a place as if its frames had been weighed under another focus map: Reweighing in
 * stacker/reweigh.py. before: the same band under the map they were weighed by. Their slot: of the last frame. */
EXPORTED void fieldstack_reweigh_band(const band *b, const band *before) {
    const int half = b->width / 2, rows_of_cells = b->height / 2;
    float *smooth = b->scratch, *now = smooth + half, *then = now + half, *rows = then + half;
    for (int y = 0; y < rows_of_cells; y++) energy_of_means(b, y, b->energy + (ptrdiff_t)y * half);
    for (int y = 0; y < rows_of_cells; y++) {
        float *restrict total = b->weight + y * b->weight_row;
        smooth_row(b, y, rows, smooth);
        log_weigh_row(b, y, smooth, 1, rows, now);
        log_weigh_row(before, y, smooth, 1, rows, then);
        for (int x = 0; x < half; x++)
            total[x] *= exponential(at_most(at_least(now[x] - then[x], LEAST_CHANGE), MOST_CHANGE));
    }
}
