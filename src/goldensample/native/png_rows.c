/*
 * The rows of a PNG, 8 bits a sample: the filters of each row are undone. images/png_pixels.py
 * checks all sizes. No library is called, nothing is allocated or kept between calls.
 */

#include <stdint.h>
#include <string.h>

#define INLINE static inline __attribute__((always_inline))

enum filter { NONE, SUB, UP, AVERAGE, PAETH };

/* Return what is nearest to left + above - corner; of two as near the one named first. */
INLINE int nearest(int left, int above, int corner)
{
    const int low = left < above ? left : above, high = left < above ? above : left;
    const int turn = 3 * corner - (left + above);
    const int guess = high <= turn ? low : corner;
    return turn <= low ? high : guess;
}

/* Undo the filter of a row of samples; step is the samples of a pixel, at most 4. */
INLINE void undo(enum filter filter, const uint8_t *line, const uint8_t *above, uint8_t *row,
                 int64_t size, const int step)
{
    int left[4] = {0}, corner[4] = {0};
    for (int64_t i = 0; i < size; i += step)
        for (int k = 0; k < step; k++) {
            const int up = above[i + k];
            int guess = left[k];
            if (filter == AVERAGE)
                guess = (left[k] + up) / 2;
            else if (filter == PAETH)
                guess = nearest(left[k], up, corner[k]);
            corner[k] = up;
            left[k] = (uint8_t)(line[i + k] + guess);
            row[i + k] = (uint8_t)left[k];
        }
}

INLINE int64_t undo_all(const uint8_t *data, int64_t height, int64_t size, const int step,
                        uint8_t *above)
{
    for (int64_t i = 0; i < height; i++, above += size, data += size + 1) {
        const uint8_t *line = data + 1;
        uint8_t *row = above + size;
        switch (*data) {
        case NONE:
            memcpy(row, line, (size_t)size);
            break;
        case SUB:
            undo(SUB, line, above, row, size, step);
            break;
        case UP:
            for (int64_t k = 0; k < size; k++)
                row[k] = (uint8_t)(line[k] + above[k]);
            break;
        case AVERAGE:
            undo(AVERAGE, line, above, row, size, step);
            break;
        case PAETH:
            undo(PAETH, line, above, row, size, step);
            break;
        default:
            return i;
        }
    }
    return height;
}

/*
 * Undo the filters of (height, 1 + width * step) bytes, the filter first, into the rows that follow
 * one of zeros: (1 + height, width * step). Return the rows before one with an unknown filter.
 */
__attribute__((visibility("default"))) int64_t png_rows(const uint8_t *data, int64_t height,
                                                        int64_t width, int64_t step, uint8_t *rows)
{
    switch (step) {
    case 1:
        return undo_all(data, height, width, 1, rows);
    case 2:
        return undo_all(data, height, width * 2, 2, rows);
    case 3:
        return undo_all(data, height, width * 3, 3, rows);
    case 4:
        return undo_all(data, height, width * 4, 4, rows);
    default:
        return 0;
    }
}
