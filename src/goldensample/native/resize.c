/*
 * Resizes a picture of three colours; preparation/preparation.py makes the weights and checks all
 * sizes. Sums run in float32 and in the order of the weights, as in SciPy's sparse products. No
 * library is called, nothing is allocated or kept between calls.
 */

#include <stdint.h>
#include <string.h>

#define DEPTH 3

typedef float four __attribute__((vector_size(16), aligned(4)));

/* Weights of an axis: those of output i are weights[starts[i]] to weights[starts[i + 1] - 1]. */
struct axis {
    int64_t size;           /* of the output */
    const int64_t *starts;  /* (size + 1) */
    const int64_t *places;  /* the pixel that a weight belongs to */
    const float *weights;
};

static inline __attribute__((always_inline)) void
resize_with(const uint8_t *picture, int64_t width, const struct axis *rows,
            const struct axis *columns, float *line, float *canvas)
{
    const int64_t values = width * DEPTH, area = rows->size * columns->size;
    for (int64_t y = 0; y < rows->size; y++) {
        memset(line, 0, (size_t)(values + 1) * sizeof *line);
        for (int64_t k = rows->starts[y]; k < rows->starts[y + 1]; k++) {
            const uint8_t *source = picture + rows->places[k] * values;
            const float weight = rows->weights[k];
            for (int64_t i = 0; i < values; i++)
                line[i] += weight * (float)source[i];
        }
        for (int64_t x = 0; x < columns->size; x++) {
            four sum = {0};
            for (int64_t k = columns->starts[x]; k < columns->starts[x + 1]; k++)
                sum += columns->weights[k] * *(const four *)(line + columns->places[k] * DEPTH);
            float *pixel = canvas + y * columns->size + x;
            pixel[0] = sum[0];
            pixel[area] = sum[1];
            pixel[2 * area] = sum[2];
        }
    }
}

#if defined(__x86_64__) && !defined(PLAIN)
__attribute__((target("avx2"))) static void
resize_avx2(const uint8_t *picture, int64_t width, const struct axis *rows,
            const struct axis *columns, float *line, float *canvas)
{
    resize_with(picture, width, rows, columns, line, canvas);
}
#endif

/*
 * Resize (H, width, 3) bytes to (3, rows->size, columns->size); line has room for width * 3 + 1.
 */
__attribute__((visibility("default"))) void
resize(const uint8_t *picture, int64_t width, const struct axis *rows, const struct axis *columns,
       float *line, float *canvas)
{
#if defined(__x86_64__) && !defined(PLAIN)
    __builtin_cpu_init();
    if (__builtin_cpu_supports("avx2")) {
        resize_avx2(picture, width, rows, columns, line, canvas);
        return;
    }
#endif
    resize_with(picture, width, rows, columns, line, canvas);
}
