/*
 * The greedy coreset: distances of rows to new picks, and picks among candidates. Points are whole
 * numbers whose squared distances are below 2^24: their sums are exact in 32 bits and as floats, in
 * any order. coreset/compiled.py checks all sizes. Nothing is allocated or kept between calls.
 */

#include <math.h>
#include <stdint.h>
#if defined(__x86_64__) && !defined(PLAIN)
#include <immintrin.h>
#endif

#define EXPORT __attribute__((visibility("default")))
#define INLINE static inline __attribute__((always_inline))
#define TILE 4             /* rows that share what is read of a pick */
#define ROUNDED 1.00001f   /* more than the roundings of a sum of roots */

typedef float floats __attribute__((vector_size(4 * TILE)));
typedef int32_t integers __attribute__((vector_size(4 * TILE)));

struct rows {
    int64_t depth;
    const int16_t *points;  /* (rows, depth) */
    const float *norms;     /* (rows): squared lengths */
    float *squared;         /* (rows): squared distance to the nearest pick */
    int32_t *nearest;       /* (rows): number of that pick */
    const float *offsets;   /* (rows): distance to the centre of the row's cell */
    const int64_t *starts;  /* (cells + 1): first row of each cell */
};

struct picks {
    int64_t count;
    int64_t first;          /* number of the first of them */
    const int16_t *points;  /* (count, depth) */
    const float *norms;     /* (count) */
    const float *gaps;      /* (cells, count): distance to the centre of each cell */
};

struct candidates {
    int64_t count, depth;
    const int16_t *points;  /* (count, depth) */
    const float *norms;     /* (count) */
    const int64_t *numbers; /* (count), ascending */
    float *squared;         /* (count): squared distance to the nearest pick */
    double outside;         /* of the farthest row that is no candidate; its number */
    int64_t outside_number;
};

/* Add up the products of TILE rows with two others. */
INLINE void multiply(const int16_t *const rows[TILE], const int16_t *p, const int16_t *q,
                     int64_t depth, integers sums[2])
{
    const int16_t *a = rows[0], *b = rows[1], *c = rows[2], *d = rows[3];
    int32_t ap = 0, bp = 0, cp = 0, dp = 0, aq = 0, bq = 0, cq = 0, dq = 0;
    for (int64_t k = 0; k < depth; k++) {
        ap += a[k] * p[k];
        bp += b[k] * p[k];
        cp += c[k] * p[k];
        dp += d[k] * p[k];
        aq += a[k] * q[k];
        bq += b[k] * q[k];
        cq += c[k] * q[k];
        dq += d[k] * q[k];
    }
    sums[0] = (integers){ap, bp, cp, dp};
    sums[1] = (integers){aq, bq, cq, dq};
}

/* Measure `size` rows, at most TILE, against the picks listed; of equally near ones the first is
   kept. */
INLINE void measure(const struct rows *r, const struct picks *p, int64_t row, int64_t size,
                    const int32_t *list, int64_t count)
{
    const int16_t *points[TILE];
    floats norms, squared;
    integers nearest = {0};
    for (int64_t i = 0; i < TILE; i++) {
        const int64_t at = row + (i < size ? i : 0);
        points[i] = r->points + at * r->depth;
        norms[i] = r->norms[at];
        squared[i] = r->squared[at];
        nearest[i] = r->nearest[at];
    }
    for (int64_t n = 0; n < count; n += 2) {
        const int64_t pair[2] = {list[n], list[n + 1 < count ? n + 1 : n]};
        integers sums[2];
        multiply(points, p->points + pair[0] * r->depth, p->points + pair[1] * r->depth, r->depth,
                 sums);
        for (int64_t j = 0; j < 2; j++) {
            const floats value = norms + p->norms[pair[j]]
                                 - 2 * __builtin_convertvector(sums[j], floats);
            const integers nearer = value < squared;
            const int32_t number = (int32_t)(p->first + pair[j]);
            squared = (floats)((nearer & (integers)value) | (~nearer & (integers)squared));
            nearest = (nearer & number) | (~nearer & nearest);
        }
    }
    for (int64_t i = 0; i < size; i++) {
        r->squared[row + i] = squared[i];
        r->nearest[row + i] = nearest[i];
    }
}

/* Return how far from the cell's centre a pick may lie and still be the nearest to a row. */
INLINE float reach(const struct rows *r, int64_t from, int64_t to)
{
    float farthest = 0;
    for (int64_t row = from; row < to; row++) {
        const float far = r->offsets[row] + sqrtf(r->squared[row]);
        farthest = far > farthest ? far : farthest;
    }
    return farthest * ROUNDED;
}

/* List those picks of a list that lie within reach. */
INLINE int64_t within(const float *gaps, float reached, const int32_t *from, int64_t count,
                      int32_t *list)
{
    int64_t kept = 0;
    for (int64_t n = 0; n < count; n++) {
        list[kept] = from[n];
        kept += gaps[from[n]] < reached;
    }
    return kept;
}

INLINE void update(const struct rows *r, const struct picks *p, int64_t from, int64_t to,
                   int32_t *room)
{
    int32_t *all = room, *near = room + p->count, *nearer = near + p->count;
    for (int64_t j = 0; j < p->count; j++)
        all[j] = (int32_t)j;
    for (int64_t cell = from; cell < to; cell++) {
        const int64_t start = r->starts[cell], end = r->starts[cell + 1];
        const float *gaps = p->gaps + cell * p->count;
        const int64_t count = within(gaps, reach(r, start, end), all, p->count, near);
        for (int64_t row = start; count && row < end; row += TILE) {
            const int64_t size = end - row < TILE ? end - row : TILE;
            const float reached = reach(r, row, row + size);
            measure(r, p, row, size, nearer, within(gaps, reached, near, count, nearer));
        }
    }
}

INLINE int64_t choose(const struct candidates *c, int64_t limit, int64_t *chosen)
{
    for (int64_t made = 0; made < limit; made++) {
        int64_t best = 0;
        for (int64_t i = 1; i < c->count; i++)
            best = c->squared[i] > c->squared[best] ? i : best;
        const float far = c->squared[best];
        if (far <= 0 || far < c->outside
            || (far == c->outside && c->numbers[best] > c->outside_number))
            return made;
        chosen[made] = best;
        const int16_t *pick = c->points + best * c->depth;
        for (int64_t i = 0; i < c->count; i += TILE) {
            const int64_t size = c->count - i < TILE ? c->count - i : TILE;
            const int16_t *points[TILE];
            integers sums[2];
            for (int64_t j = 0; j < TILE; j++)
                points[j] = c->points + (i + (j < size ? j : 0)) * c->depth;
            multiply(points, pick, pick, c->depth, sums);
            for (int64_t j = 0; j < size; j++) {
                const float squared = c->norms[i + j] + c->norms[best] - 2.0f * sums[0][j];
                c->squared[i + j] = squared < c->squared[i + j] ? squared : c->squared[i + j];
            }
        }
    }
    return limit;
}

#if defined(__x86_64__) && !defined(PLAIN)
__attribute__((target("avx2"))) static void update_avx2(const struct rows *r, const struct picks *p,
                                                        int64_t from, int64_t to, int32_t *room)
{
    update(r, p, from, to, room);
}

__attribute__((target("avx2"))) static int64_t choose_avx2(const struct candidates *c,
                                                           int64_t limit, int64_t *chosen)
{
    return choose(c, limit, chosen);
}
#endif

/* Measure the rows of the cells `from` to `to`, where a pick can be nearer than those before: it
   is at least as far from a row as their distances to the centre of the row's cell differ.
   `room` is for 3 * count numbers. */
EXPORT void coreset_update(const struct rows *r, const struct picks *p, int64_t from, int64_t to,
                           int32_t *room)
{
#if defined(__x86_64__) && !defined(PLAIN)
    __builtin_cpu_init();
    if (__builtin_cpu_supports("avx2")) {
        update_avx2(r, p, from, to, room);
        return;
    }
#endif
    update(r, p, from, to, room);
}

/* Choose the farthest candidate, again and again, while it is farther than every other row; return
   how many were chosen. */
EXPORT int64_t coreset_choose(const struct candidates *c, int64_t limit, int64_t *chosen)
{
#if defined(__x86_64__) && !defined(PLAIN)
    __builtin_cpu_init();
    if (__builtin_cpu_supports("avx2"))
        return choose_avx2(c, limit, chosen);
#endif
    return choose(c, limit, chosen);
}

/* Convert `count` floats of 16 bits; return how many were, from the first on. */
#if defined(__x86_64__) && !defined(PLAIN)
__attribute__((target("avx2,f16c"))) static int64_t widen_f16c(const uint16_t *halves, float *floats,
                                                               int64_t count)
{
    int64_t i = 0;
    for (; i + 8 <= count; i += 8)
        _mm256_storeu_ps(floats + i, _mm256_cvtph_ps(_mm_loadu_si128((const __m128i *)(halves + i))));
    return i;
}
#endif

EXPORT int64_t widen_halves(const uint16_t *halves, float *floats, int64_t count)
{
#if defined(__x86_64__) && !defined(PLAIN)
    __builtin_cpu_init();
    if (__builtin_cpu_supports("avx2") && __builtin_cpu_supports("f16c"))
        return widen_f16c(halves, floats, count);
#endif
    (void)halves, (void)floats, (void)count;
    return 0;
}
