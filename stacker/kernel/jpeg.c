/* A JPEG of the usual kind, chroma at half size, into its planes as they are stored: entropy-decoded once, by libjpeg,
 * as many rows at a time as are wanted.
 *
 * A library of its own, for it is built only where libjpeg's headers are (Debian: libjpeg-dev).
 */
#include <setjmp.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <jpeglib.h>

#define EXPORTED __attribute__((visibility("default")))
#define LUMA_ROWS 16 /* that are decoded at a time, and half as many of chroma */

enum { DONE, ANOTHER_KIND, DAMAGED };

typedef struct {
    struct jpeg_error_mgr manager; /* first: libjpeg knows this part only */
    jmp_buf out;
    char said[JMSG_LENGTH_MAX]; /* the first complaint */
} errors;

typedef struct {
    struct jpeg_decompress_struct info;
    errors of;
    FILE *file;
    uint8_t *strip; /* LUMA_ROWS of three planes, each row padded to whole blocks */
    int finished;
} decoding;

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

static int is_usual(const struct jpeg_decompress_struct *info, unsigned width, unsigned height, int in_order) {
    const jpeg_component_info *of = info->comp_info;
    if (info->num_components != 3 || info->jpeg_color_space != JCS_YCbCr || info->data_precision != 8) return 0;
    if (in_order && jpeg_has_multiple_scans((j_decompress_ptr)info)) return 0;
    if (info->image_width != width || info->image_height != height) return 0;
    for (int c = 0; c < 3; c++)
        if (of[c].h_samp_factor != (c ? 1 : 2) || of[c].v_samp_factor != (c ? 1 : 2)) return 0;
    return 1;
}

static void point_at_strip(const decoding *work, JSAMPROW rows[3][LUMA_ROWS]) {
    uint8_t *row = work->strip;
    for (int c = 0; c < 3; c++) {
        const unsigned padded = work->info.comp_info[c].width_in_blocks * DCTSIZE;
        for (int y = 0; y < (c ? LUMA_ROWS / 2 : LUMA_ROWS); y++, row += padded) rows[c][y] = row;
    }
}

static void decode(decoding *work, uint8_t *const planes[3], unsigned end) {
    struct jpeg_decompress_struct *info = &work->info;
    JSAMPROW rows[3][LUMA_ROWS];
    JSAMPARRAY all[3] = {rows[0], rows[1], rows[2]};
    const unsigned width = info->image_width, height = info->output_height;
    point_at_strip(work, rows);
    while (info->output_scanline < height && info->output_scanline + LUMA_ROWS <= end) {
        const unsigned top = info->output_scanline;
        jpeg_read_raw_data(info, all, LUMA_ROWS);
        for (int c = 0; c < 3; c++) {
            const unsigned first = c ? top / 2 : top, count = c ? LUMA_ROWS / 2 : LUMA_ROWS;
            const unsigned wide = c ? (width + 1) / 2 : width, high = c ? (height + 1) / 2 : height;
            for (unsigned y = 0; y < count && first + y < high; y++)
                memcpy(planes[c] + (size_t)(first + y) * wide, rows[c][y], wide);
        }
    }
}

EXPORTED void fieldstack_jpeg_end(decoding *work) {
    jpeg_destroy_decompress(&work->info);
    fclose(work->file);
    free(work->strip);
    free(work);
}

/* The file, open for reading, from where it stands; it stays the caller's. in_order: only if its rows come one after the
 * other, without the whole picture held in between. said: JMSG_LENGTH_MAX characters, the reason when the result is
 * DAMAGED, empty for want of memory. begun: to be given to fieldstack_jpeg_end when the result is DONE. */
EXPORTED int fieldstack_jpeg_begin(int file, unsigned width, unsigned height, int in_order, decoding **begun, char *said) {
    decoding *work = calloc(1, sizeof *work);
    volatile int result = DAMAGED;
    said[0] = 0;
    if (!work) return DAMAGED;
    const int own = dup(file);
    work->file = own < 0 ? NULL : fdopen(own, "rb");
    if (!work->file) {
        if (own >= 0) close(own);
        free(work);
        return DAMAGED;
    }
    work->info.err = jpeg_std_error(&work->of.manager);
    work->of.manager.error_exit = give_up;
    work->of.manager.emit_message = take_note;
    if (!setjmp(work->of.out)) {
        jpeg_create_decompress(&work->info);
        jpeg_stdio_src(&work->info, work->file);
        jpeg_read_header(&work->info, TRUE);
        result = is_usual(&work->info, width, height, in_order) ? DONE : ANOTHER_KIND;
    }
    strcpy(said, work->of.said);
    if (result == DONE) *begun = work;
    else fieldstack_jpeg_end(work);
    return result;
}

/* Decode on while 16 whole rows fit above row `end`; any end beyond the last row: to the end.
 * luma: width x height; blue, red: half of that, rounded up. Returns DONE or DAMAGED. */
EXPORTED int fieldstack_jpeg_rows(decoding *work, uint8_t *luma, uint8_t *blue, uint8_t *red, unsigned end, char *said) {
    uint8_t *const planes[3] = {luma, blue, red};
    struct jpeg_decompress_struct *info = &work->info;
    volatile int result = DAMAGED;
    if (!setjmp(work->of.out)) {
        if (!work->strip) {
            info->raw_data_out = TRUE;
            jpeg_start_decompress(info);
            const size_t blocks = info->comp_info[0].width_in_blocks + info->comp_info[1].width_in_blocks;
            work->strip = malloc(LUMA_ROWS * DCTSIZE * blocks);
        }
        if (work->strip) {
            decode(work, planes, end);
            if (info->output_scanline >= info->output_height && !work->finished) {
                work->finished = 1;
                jpeg_finish_decompress(info);
            }
            if (!work->of.said[0]) result = DONE;
        }
    }
    strcpy(said, work->of.said);
    return result;
}

EXPORTED int fieldstack_message_length(void) { return JMSG_LENGTH_MAX; }
