/* Whether a strip of a TIFF holds what it must: see stacker/formats/strips.py. */

#include <stdint.h>

#define EXPORT __attribute__((visibility("default")))

enum { CLEAR = 256, END = 257, FIRST = 258, MOST = 4096, PADDING_BITS = 24 };

/* 1 when the codes of a strip, size bytes, stand for `wanted` bytes, or for `padded`; else 0. */
EXPORT int fieldstack_lzw_holds(const uint8_t *data, int64_t size, int64_t wanted, int64_t padded)
{
    int64_t length[MOST], before = 0, total = 0, at = 0, bits = 8 * size;
    int free = FIRST, width = 9;

    for (;;) {
        int complete = total == wanted || total == padded;
        if (at + width > bits || (complete && bits - at < PADDING_BITS))
            return complete;
        uint32_t word = 0;
        for (int byte = 0; byte < 3; byte++)
            word = word << 8 | (at / 8 + byte < size ? data[at / 8 + byte] : 0);
        int code = word >> (24 - at % 8 - width) & ((1 << width) - 1);
        at += width;
        if (code == END)
            return complete;
        if (code == CLEAR) {
            free = FIRST, width = 9, before = 0;
            continue;
        }
        int64_t here = code < CLEAR ? 1 : code < free ? length[code] : before + 1;
        if (code > free || (code >= FIRST && !before))
            return 0;
        if (before && free < MOST)
            length[free++] = before + 1;
        while (width < 12 && free >= (1 << width) - 1)
            width++;
        before = here, total += here;
        if (total > wanted && total > padded)
            return 0;
    }
}
