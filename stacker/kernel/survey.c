/* The survey's passes over whole small copies: the focus measure of a frame, and the running peaks of it.
 *
 * What stacker/survey.py (energy_of), stacker/focuspeaks.py (FocusPeaks.add) and stacker/tiles.py (TemplateTiles._mean) do,
 * a few rows at a time.
 */
#include <math.h>

#include "kernel.h"
#include "mathematics.h"

#define LUMA_REACH 3    /* focuspeaks.py: focus_measure blurs luma by 7 taps, */
#define CHROMA_REACH 2  /* chroma and energy by 5 */
#define FINE_SIGMA 1.2
#define ENERGY_SIGMA 0.8
#define STEPS 512.0f    /* focuspeaks.py */
#define NOWHERE (-15360)
#define FLOOR 1e-4f

typedef struct {
    const uint8_t *bgr; /* height x width x 3 */
    ptrdiff_t bgr_row;  /* bytes */
    int32_t width, height; /* even, 16 at least */
    uint8_t *planes;    /* scratch: luma, and chroma at half size: width * height * 3 / 2 */
    float *raw;         /* scratch: width / 2 x height / 2 */
    float *rows;        /* scratch: 4 * (width + 16) */
    float *energy;      /* width / 2 x height / 2, gap-less */
} measure;

typedef struct {
    const float *energy;
    const uint8_t *covered; /* 255 where the frame has looked */
    int16_t *slot, *best, *before, *after, *lowest, *seen, *here;
    const int16_t *last;    /* what `here` was for the frame before */
    float *total;
    ptrdiff_t cells;
    int32_t number;         /* of the frame, from 0 */
} peaks;

INLINE int mirrored(int at, int end) { return at < 0 ? -at : at >= end ? 2 * end - 2 - at : at; }

/* Half of a Gaussian of 2 * reach + 1 taps, from the middle: cv2.getGaussianKernel. */
INLINE void gaussian(double sigma, int reach, float *taps) {
    double sum = 0;
    for (int i = -reach; i <= reach; i++) sum += exp(-i * i / (2 * sigma * sigma));
    for (int i = 0; i <= reach; i++) taps[i] = (float)(exp(-i * i / (2 * sigma * sigma)) / sum);
}

/* A row of a plane blurred between rows, and then along it; `room` takes the row and 8 samples either side. */
#define BLURRED_ROW(name, kind)                                                                                        \
    INLINE void name(const kind *plane, int width, int height, int y, const float *taps, const int reach, float *room, \
                     float *restrict out) {                                                                            \
        float *restrict column = room + 8;                                                                             \
        const kind *restrict here = plane + (ptrdiff_t)y * width;                                                      \
        const kind *restrict a = plane + (ptrdiff_t)mirrored(y - 1, height) * width;                                   \
        const kind *restrict b = plane + (ptrdiff_t)mirrored(y + 1, height) * width;                                   \
        const kind *restrict c = plane + (ptrdiff_t)mirrored(y - 2, height) * width;                                   \
        const kind *restrict d = plane + (ptrdiff_t)mirrored(y + 2, height) * width;                                   \
        const kind *restrict e = plane + (ptrdiff_t)mirrored(y - reach, height) * width;                               \
        const kind *restrict f = plane + (ptrdiff_t)mirrored(y + reach, height) * width;                               \
        const float t0 = taps[0], t1 = taps[1], t2 = taps[2], t3 = reach > 2 ? taps[reach] : 0;                        \
        if (reach > 2)                                                                                                 \
            for (int x = 0; x < width; x++)                                                                            \
                column[x] = t0 * here[x] + t1 * (a[x] + b[x]) + t2 * (c[x] + d[x]) + t3 * (e[x] + f[x]);               \
        else                                                                                                           \
            for (int x = 0; x < width; x++) column[x] = t0 * here[x] + t1 * (a[x] + b[x]) + t2 * (c[x] + d[x]);        \
        for (int i = 1; i <= reach; i++) {                                                                             \
            column[-i] = column[i];                                                                                    \
            column[width - 1 + i] = column[width - 1 - i];                                                             \
        }                                                                                                              \
        if (reach > 2)                                                                                                 \
            for (int x = 0; x < width; x++)                                                                            \
                out[x] = t0 * column[x] + t1 * (column[x - 1] + column[x + 1]) + t2 * (column[x - 2] + column[x + 2]) + \
                         t3 * (column[x - 3] + column[x + 3]);                                                         \
        else                                                                                                           \
            for (int x = 0; x < width; x++)                                                                            \
                out[x] = t0 * column[x] + t1 * (column[x - 1] + column[x + 1]) + t2 * (column[x - 2] + column[x + 2]); \
    }
BLURRED_ROW(blurred_codes, uint8_t)
BLURRED_ROW(blurred_energy, float)

INLINE int32_t code(int32_t of_1024) {
    const int32_t value = of_1024 >> 10;
    return value < 0 ? 0 : value > 255 ? 255 : value;
}

/* Luma, and both chromas at half size, of two rows: planes.from_bgr, whose cv2.transform counts in 1024ths too. */
INLINE void two_rows_of_planes(const measure *m, int y, uint8_t *restrict luma, uint8_t *restrict blue, uint8_t *restrict red) {
    const ptrdiff_t half = m->width / 2; /* not int, whose triples might overflow: compilers make no vector code of that */
    const int32_t centre = 128 * 1024 + 512;
    for (int row = 0; row < 2; row++) {
        const uint8_t *restrict bgr = m->bgr + (2 * y + row) * m->bgr_row;
        uint8_t *restrict out = luma + (ptrdiff_t)row * m->width;
        for (ptrdiff_t x = 0; x < 2 * half; x++)
            out[x] = (uint8_t)code(117 * bgr[3 * x] + 601 * bgr[3 * x + 1] + 306 * bgr[3 * x + 2] + 512);
    }
    const uint8_t *restrict first = m->bgr + 2 * y * m->bgr_row, *restrict second = first + m->bgr_row;
    for (ptrdiff_t x = 0; x < half; x++) {
        int32_t of_blue = 2, of_red = 2;
        for (int i = 0; i < 2; i++) {
            const uint8_t *at = first + 6 * x + 3 * i, *below = second + 6 * x + 3 * i;
            of_blue += code(512 * at[0] - 339 * at[1] - 173 * at[2] + centre);
            of_blue += code(512 * below[0] - 339 * below[1] - 173 * below[2] + centre);
            of_red += code(-83 * at[0] - 429 * at[1] + 512 * at[2] + centre);
            of_red += code(-83 * below[0] - 429 * below[1] + 512 * below[2] + centre);
        }
        blue[x] = (uint8_t)(of_blue >> 2);
        red[x] = (uint8_t)(of_red >> 2);
    }
}

EXPORTED void fieldstack_measure(const measure *m) {
    const int width = m->width, height = m->height, half = width / 2, rows = height / 2;
    uint8_t *luma = m->planes, *blue = luma + (ptrdiff_t)width * height, *red = blue + (ptrdiff_t)half * rows;
    float *room = m->rows, *first = room + width + 16, *second = first + width;
    float of_luma[LUMA_REACH + 1], of_chroma[CHROMA_REACH + 1], of_energy[CHROMA_REACH + 1];
    gaussian(FINE_SIGMA, LUMA_REACH, of_luma);
    gaussian(FINE_SIGMA, CHROMA_REACH, of_chroma);
    gaussian(ENERGY_SIGMA, CHROMA_REACH, of_energy);
    for (int y = 0; y < rows; y++)
        two_rows_of_planes(m, y, luma + (ptrdiff_t)2 * y * width, blue + (ptrdiff_t)y * half, red + (ptrdiff_t)y * half);
    for (int y = 0; y < rows; y++) {
        float *restrict energy = m->raw + (ptrdiff_t)y * half;
        const uint8_t *restrict upper = luma + (ptrdiff_t)2 * y * width, *restrict lower = upper + width;
        blurred_codes(luma, width, height, 2 * y, of_luma, LUMA_REACH, room, first);
        blurred_codes(luma, width, height, 2 * y + 1, of_luma, LUMA_REACH, room, second);
        for (int x = 0; x < width; x++) {
            first[x] = upper[x] - first[x];
            second[x] = lower[x] - second[x];
        }
        for (int x = 0; x < half; x++)
            energy[x] = 0.25f * (first[2 * x] * first[2 * x] + first[2 * x + 1] * first[2 * x + 1] +
                                 second[2 * x] * second[2 * x] + second[2 * x + 1] * second[2 * x + 1]);
        for (int c = 0; c < 2; c++) {
            const uint8_t *plane = c ? red : blue, *restrict tint = plane + (ptrdiff_t)y * half;
            blurred_codes(plane, half, rows, y, of_chroma, CHROMA_REACH, room, first);
            for (int x = 0; x < half; x++) energy[x] += (tint[x] - first[x]) * (tint[x] - first[x]);
        }
    }
    for (int y = 0; y < rows; y++)
        blurred_energy(m->raw, half, rows, y, of_energy, CHROMA_REACH, room, m->energy + (ptrdiff_t)y * half);
}

EXPORTED void fieldstack_add_peaks(const peaks *p) {
    const float *restrict energy = p->energy;
    const uint8_t *restrict covered = p->covered;
    const int16_t *restrict last = p->last;
    int16_t *restrict slot = p->slot, *restrict best = p->best, *restrict before = p->before, *restrict after = p->after;
    int16_t *restrict lowest = p->lowest, *restrict seen = p->seen, *restrict here = p->here;
    float *restrict total = p->total;
    const int16_t number = (int16_t)p->number;
    for (ptrdiff_t i = 0; i < p->cells; i++) {
        const float log = rounded(logarithm(energy[i] + FLOOR) * STEPS);
        here[i] = covered[i] == 255 ? (int16_t)(int32_t)log : NOWHERE;
    }
    if (number)
        for (ptrdiff_t i = 0; i < p->cells; i++) after[i] = slot[i] == number - 1 ? here[i] : after[i];
    for (ptrdiff_t i = 0; i < p->cells; i++) {
        const int16_t higher = here[i] > best[i] ? -1 : 0; /* all bits, to choose by */
        const int16_t previous = last[i], lower = covered[i] == 255 && here[i] < lowest[i] ? -1 : 0;
        best[i] = (int16_t)((here[i] & higher) | (best[i] & ~higher));
        before[i] = (int16_t)((previous & higher) | (before[i] & ~higher));
        after[i] = (int16_t)((NOWHERE & higher) | (after[i] & ~higher));
        slot[i] = (int16_t)((number & higher) | (slot[i] & ~higher));
        lowest[i] = (int16_t)((here[i] & lower) | (lowest[i] & ~lower));
        seen[i] = (int16_t)(seen[i] + (covered[i] == 255));
    }
    for (ptrdiff_t i = 0; i < p->cells; i++) total[i] += covered[i] == 255 ? energy[i] : 0;
}

/* Means of the product of two planes over square tiles; `sums` takes a row of them. */
EXPORTED void fieldstack_tile_means(const float *a, ptrdiff_t a_row, const float *b, ptrdiff_t b_row, int side, int columns,
                                    int rows, float *sums, double *means) {
    float *restrict sum = sums;
    for (int tile_row = 0; tile_row < rows; tile_row++, means += columns) {
        memset(sum, 0, sizeof *sum * side * columns);
        for (int y = 0; y < side; y++, a += a_row, b += b_row) {
            const float *restrict here = a, *restrict there = b;
            for (int x = 0; x < side * columns; x++) sum[x] += here[x] * there[x];
        }
        for (int tile = 0; tile < columns; tile++) {
            double all = 0;
            for (int x = 0; x < side; x++) all += sum[tile * side + x];
            means[tile] = all / (side * side);
        }
    }
}
