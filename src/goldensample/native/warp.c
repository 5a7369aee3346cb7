/*
 * Samples a picture where an affine map sends each of its pixels: bilinear, in double precision and
 * in the order of scipy.ndimage.affine_transform, so that the values are the same. motion.py checks
 * all sizes. No library is called, nothing is allocated or kept between calls.
 */

#include <stdint.h>

static inline double clamp(double value, double last)
{
    return value < 0 ? 0 : value > last ? last : value;
}

static inline __attribute__((always_inline)) void
warp_with(const float *values, int64_t height, int64_t width, int64_t depth, const double *affine,
          int64_t zero_beyond, float *warped)
{
    const double last_row = (double)(height - 1), last_column = (double)(width - 1);
    for (int64_t y = 0; y < height; y++) {
        for (int64_t x = 0; x < width; x++, warped += depth) {
            const double down = (double)y * affine[0] + (double)x * affine[1] + affine[4];
            const double across = (double)y * affine[2] + (double)x * affine[3] + affine[5];
            if (zero_beyond && !(down >= 0 && down <= last_row && across >= 0 && across <= last_column)) {
                for (int64_t k = 0; k < depth; k++)
                    warped[k] = 0;
                continue;
            }
            const double row = clamp(down, last_row), column = clamp(across, last_column);
            const int64_t top = (int64_t)row, left = (int64_t)column;
            const double below = row - (double)top, beside = column - (double)left;
            const int64_t step = top < height - 1 ? width * depth : 0; /* weight 0 at the last one */
            const int64_t next = left < width - 1 ? depth : 0;
            const float *corner = values + (top * width + left) * depth;
            for (int64_t k = 0; k < depth; k++) {
                double sum = (double)corner[k] * (1 - below) * (1 - beside);
                sum += (double)corner[k + next] * (1 - below) * beside;
                sum += (double)corner[k + step] * below * (1 - beside);
                sum += (double)corner[k + step + next] * below * beside;
                warped[k] = (float)sum;
            }
        }
    }
}

/*
 * `values` and `warped` are (height, width, depth) without gaps. A pixel at row y and column x is
 * sampled at row affine[0] y + affine[1] x + affine[4] and column affine[2] y + affine[3] x +
 * affine[5]; beyond the picture the edge is repeated, or all is 0.
 */
__attribute__((visibility("default"))) void
warp(const float *values, int64_t height, int64_t width, int64_t depth, const double *affine,
     int64_t zero_beyond, float *warped)
{
    if (depth == 1)
        warp_with(values, height, width, 1, affine, zero_beyond, warped);
    else if (depth == 3)
        warp_with(values, height, width, 3, affine, zero_beyond, warped);
    else
        warp_with(values, height, width, depth, affine, zero_beyond, warped);
}
