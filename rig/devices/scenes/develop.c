/* Light to the eight bits that a camera hands out: what sensor_sim.py does by numpy's and OpenCV's calls. */
#include <math.h>
#include <stddef.h>
#include <stdint.h>

#include "lay.h"

#define WIDEST_FRAME 8192

struct strip {
    const float *light;       /* (height, width, 3) BGR */
    const float *falloff;     /* (height, width) share of it that counts */
    const int16_t *noise[3];  /* of each channel, where the strip begins in its tile */
    const uint8_t *tables[3]; /* (65536,) of every level that noise may make */
    uint8_t *picture;         /* (height, width, 3) */
    int64_t noise_row;        /* levels from one row of the tiles to the next */
    int32_t width, height;
    float gains[3], floor, ceiling;
};

EXPORTED void fieldstack_develop(const struct strip *strip) {
    const ptrdiff_t width = strip->width;
    uint16_t levels[WIDEST_FRAME];
    for (ptrdiff_t y = 0; y < strip->height; y++) {
        const float *falloff = strip->falloff + y * width;
        for (int channel = 0; channel < 3; channel++) {
            const float *light = strip->light + 3 * y * width + channel;
            const int16_t *noise = strip->noise[channel] + y * strip->noise_row;
            const float gain = strip->gains[channel];
            for (ptrdiff_t x = 0; x < width; x++) {
                const float raw = light[3 * x] * falloff[x] * gain + strip->floor;
                levels[x] = (uint16_t)((int32_t)sqrtf(raw < strip->ceiling ? raw : strip->ceiling) + noise[x]);
            }
            uint8_t *out = strip->picture + 3 * y * width + channel;
            const uint8_t *table = strip->tables[channel];
            for (ptrdiff_t x = 0; x < width; x++) out[3 * x] = table[levels[x]];
        }
    }
}
