/*
 * The nearest rows of a bank that is sorted into cells. search/compiled.py builds the bank's arrays
 * and proves the bounds. No library is called, nothing is allocated or kept between calls.
 */

#include <math.h>
#include <stdint.h>
#include <string.h>
#if defined(__x86_64__) && !defined(PLAIN)
#include <immintrin.h>
#endif

#define LANES 16  /* rows of a block */
#define STAGE 16  /* values of a row that are compared before it may be left */
#define STAGES 16 /* at most */
#define GROUP 8   /* queries that share what is read of the bank */
#define NONE INT64_MAX
#define MAGIC 12582912.0f  /* 1.5 * 2^23: adding it rounds to a whole number */

typedef float four __attribute__((vector_size(16), aligned(4)));
typedef float eight __attribute__((vector_size(32), aligned(4)));
typedef double doubles __attribute__((vector_size(32), aligned(8)));
typedef int32_t integers __attribute__((vector_size(32), aligned(4)));
typedef int16_t shorts __attribute__((vector_size(16), aligned(2)));

struct block {
    int8_t values[STAGE / 2][LANES][2];
    float squares[LANES];   /* squared length up to the end of the stage; NaN without a row */
};

struct bank {
    int64_t depth, stages, cells;
    const float *rows;      /* (m, depth) */
    const int64_t *ids;     /* (blocks, LANES): row of each lane; 0 without one */
    const int64_t *starts;  /* (cells + 1): first block of each cell */
    const struct block *blocks; /* of each cell (stages, blocks of the cell) */
    const float *scales;    /* (stages * STAGE): -2 * the size of a value's unit */
    const float *gaps;      /* (cells, cells) */
    const float *inverse;   /* (cells, cells): 1 / (2 * distance of the centroids) */
    float norm;             /* largest length of a row's values in blocks */
};

struct queries {
    int64_t queries, count; /* nearest rows wanted */
    const float *points;    /* (queries, depth) */
    const float *rotated;   /* (queries, stages * STAGE) */
    const float *values;    /* (queries, cells): |q - c|^2 - |q|^2 of each centroid c */
    const int64_t *order;   /* (queries): by cell */
    const int64_t *homes;   /* (queries): cell of the nearest centroid */
    const float *slacks;    /* (queries): error of a distance of rounded rotated points */
    float error;            /* of a squared distance of rotated points */
    float cell_error;       /* of the squared distances to the centroids */
    double tie;             /* relative difference of squared distances that rounding can turn */
    int64_t patience;       /* distances a query, on average, after which the search gives up */
    float *bounds;          /* room for (GROUP + 1, cells) */
    int64_t *visits;        /* room for (cells) */
    struct candidate *close; /* room for (GROUP, lanes of the largest cell) */
    struct part *parts;     /* room for the blocks of the largest cell */
    int64_t *work;          /* products of a stage with a row; distances */
    uint8_t *doubts;        /* (queries): whether rounding may have chosen between rows */
    int64_t *ids;           /* (queries, count): the answers */
    double *squared;        /* (queries, count) */
};

struct part {
    int64_t block;
    integers low, high;     /* products with the rows of a block up to a stage */
};

struct candidate {
    int64_t lane;
    float value;            /* squared distance less |q|^2, of what is compared */
};

struct member {
    const float *point;
    int16_t values[STAGES * STAGE];
    float scale;            /* size of the unit of these values */
    float margins[STAGES];  /* what their rounding may change, less |q|^2 up to the stage's end */
    float slack, limit, reach;
    double farthest;        /* upper bound on the squared distance of the last row wanted */
    int64_t found;          /* rows noted */
    int64_t *lanes;         /* of the answers, until the query is done */
    double *squared;
    uint8_t *doubt;
};

/* Lower the bound on the last row wanted. */
static inline void lower_limit(struct member *m, double squared, float error)
{
    if (!(squared < m->farthest))
        return;
    m->farthest = squared;
    m->limit = sqrtf((float)squared) * 1.00001f;
    m->reach = (m->limit + m->slack) * (m->limit + m->slack) + error;
}

/* Put a row among the answers, by distance and then by row; the last falls off. */
static inline void insert(const struct bank *bank, const struct queries *q, struct member *m,
                          int64_t lane, double squared)
{
    const int64_t id = bank->ids[lane];
    int64_t at = q->count;
    for (int64_t j = 0; j < q->count && m->lanes[j] != NONE; j++) {
        const float *row = bank->rows + id * bank->depth;
        const float *other = bank->rows + bank->ids[m->lanes[j]] * bank->depth;
        if (fabs(squared - m->squared[j]) <= q->tie * squared
            && memcmp(row, other, bank->depth * sizeof *row))
            *m->doubt = 1;
    }
    for (; at > 0; at--) {
        const double before = m->squared[at - 1];
        if (before < squared || (before == squared && bank->ids[m->lanes[at - 1]] < id))
            break;
        if (at == q->count)
            continue;
        m->squared[at] = before;
        m->lanes[at] = m->lanes[at - 1];
    }
    if (at == q->count)
        return;
    m->squared[at] = squared;
    m->lanes[at] = lane;
}

/* Name the rows of the answers; a query that has too few is in doubt. */
static inline void finish(const struct bank *bank, const struct queries *q, struct member *m)
{
    for (int64_t j = 0; j < q->count; j++)
        if (m->lanes[j] == NONE)
            *m->doubt = 1;
        else
            m->lanes[j] = bank->ids[m->lanes[j]];
}

#define NAME(name) name##_plain
#define TARGET
#define AVX2 0
#include "nearest_kernel.h"
#undef NAME
#undef TARGET
#undef AVX2

#if defined(__x86_64__) && !defined(PLAIN)
#define NAME(name) name##_avx2
#define TARGET __attribute__((target("avx2,fma")))
#define AVX2 1
#include "nearest_kernel.h"
#endif

/* Find the nearest rows; return the number of queries that were answered. */
__attribute__((visibility("default"))) int64_t
nearest_rows(const struct bank *bank, const struct queries *q)
{
#if defined(__x86_64__) && !defined(PLAIN)
    __builtin_cpu_init();
    if (__builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma"))
        return search_avx2(bank, q);
#endif
    return search_plain(bank, q);
}
