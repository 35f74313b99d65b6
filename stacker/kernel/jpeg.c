/* A JPEG of the usual kind, chroma at half size, into its planes as they are stored: entropy-decoded once, by libjpeg.
 *
 * A library of its own, for it is built only where libjpeg's headers are (Debian: libjpeg-dev).
 */
#include <setjmp.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <jpeglib.h>

#define EXPORTED __attribute__((visibility("default")))
#define LUMA_ROWS 16 /* that are decoded at a time, and half as many of chroma */

enum { DONE, ANOTHER_KIND, DAMAGED };

typedef struct {
    struct jpeg_error_mgr manager; /* first: libjpeg knows this part only */
    jmp_buf out;
    char said[JMSG_LENGTH_MAX]; /* the first complaint */
} errors;

static void give_up(j_common_ptr info) {
    errors *of = (errors *)info->err;
    if (!of->said[0]) of->manager.format_message(info, of->said);
    longjmp(of->out, 1);
}

/* Warnings are what libjpeg says of damaged data that it can go on from; here they count. */
static void take_note(j_common_ptr info, int level) {
    errors *of = (errors *)info->err;
    if (level < 0 && !of->said[0]) of->manager.format_message(info, of->said);
}

static int is_usual(const struct jpeg_decompress_struct *info, unsigned width, unsigned height) {
    const jpeg_component_info *of = info->comp_info;
    if (info->num_components != 3 || info->jpeg_color_space != JCS_YCbCr || info->data_precision != 8) return 0;
    if (info->image_width != width || info->image_height != height) return 0;
    for (int c = 0; c < 3; c++)
        if (of[c].h_samp_factor != (c ? 1 : 2) || of[c].v_samp_factor != (c ? 1 : 2)) return 0;
    return 1;
}

/* Decode all rows; `strip` takes those of three planes, each row padded to whole blocks. */
static void decode(struct jpeg_decompress_struct *info, uint8_t *const planes[3], uint8_t *strip) {
    JSAMPROW rows[3][LUMA_ROWS];
    JSAMPARRAY all[3] = {rows[0], rows[1], rows[2]};
    unsigned widths[3], heights[3];
    for (int c = 0; c < 3; c++) {
        const unsigned padded = info->comp_info[c].width_in_blocks * DCTSIZE;
        for (int y = 0; y < (c ? LUMA_ROWS / 2 : LUMA_ROWS); y++, strip += padded) rows[c][y] = strip;
        widths[c] = c ? (info->image_width + 1) / 2 : info->image_width;
        heights[c] = c ? (info->image_height + 1) / 2 : info->image_height;
    }
    while (info->output_scanline < info->output_height) {
        const unsigned top = info->output_scanline;
        jpeg_read_raw_data(info, all, LUMA_ROWS);
        for (int c = 0; c < 3; c++) {
            const unsigned first = c ? top / 2 : top, count = c ? LUMA_ROWS / 2 : LUMA_ROWS;
            for (unsigned y = 0; y < count && first + y < heights[c]; y++)
                memcpy(planes[c] + (size_t)(first + y) * widths[c], rows[c][y], widths[c]);
        }
    }
}

/* data: the file. luma: width x height; blue, red: half of that, rounded up. said: JMSG_LENGTH_MAX characters, the reason
 * when the result is DAMAGED. */
EXPORTED int fieldstack_read_jpeg(const uint8_t *data, size_t size, unsigned width, unsigned height, uint8_t *luma,
                                  uint8_t *blue, uint8_t *red, char *said) {
    struct jpeg_decompress_struct info;
    errors of = {.said = ""};
    uint8_t *const planes[3] = {luma, blue, red};
    uint8_t *volatile strip = NULL;
    volatile int result = DAMAGED;
    info.err = jpeg_std_error(&of.manager);
    of.manager.error_exit = give_up;
    of.manager.emit_message = take_note;
    if (!setjmp(of.out)) {
        jpeg_create_decompress(&info);
        jpeg_mem_src(&info, (unsigned char *)data, (unsigned long)size);
        jpeg_read_header(&info, TRUE);
        if (!is_usual(&info, width, height)) {
            result = ANOTHER_KIND;
        } else {
            info.raw_data_out = TRUE;
            jpeg_start_decompress(&info);
            const size_t row = info.comp_info[0].width_in_blocks + info.comp_info[1].width_in_blocks;
            strip = malloc(LUMA_ROWS * DCTSIZE * row);
            if (strip) {
                decode(&info, planes, strip);
                jpeg_finish_decompress(&info);
                result = of.said[0] ? DAMAGED : DONE;
            }
        }
    }
    jpeg_destroy_decompress(&info);
    free(strip);
    strcpy(said, of.said);
    return result;
}

EXPORTED int fieldstack_message_length(void) { return JMSG_LENGTH_MAX; }
