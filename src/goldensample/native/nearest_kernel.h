/* The search of nearest.c, included once for each kind of processor: TARGET, NAME(), AVX2. */

#define INLINE TARGET static inline __attribute__((always_inline))

/* Return the squared distance, or a part of it that is above the limit. */
INLINE double NAME(distance)(const float *query, const float *row, int64_t depth, double limit)
{
    double sum = 0;
    int64_t k = 0;
    while (k + 8 <= depth) {
        const int64_t end = k + 64 <= depth ? k + 64 : depth - depth % 8;
        doubles even = {0}, odd = {0};
        for (; k < end; k += 8) {
            doubles step = __builtin_convertvector(*(const four *)(query + k), doubles)
                           - __builtin_convertvector(*(const four *)(row + k), doubles);
            even += step * step;
            step = __builtin_convertvector(*(const four *)(query + k + 4), doubles)
                   - __builtin_convertvector(*(const four *)(row + k + 4), doubles);
            odd += step * step;
        }
        even += odd;
        sum += (even[0] + even[1]) + (even[2] + even[3]);
        if (sum > limit)
            return sum;
    }
    for (; k < depth; k++) {
        const double step = (double)query[k] - row[k];
        sum += step * step;
    }
    return sum;
}

/* Add the products of a stage: 16 values of a query with those of 16 rows. */
INLINE void NAME(multiply)(const int16_t *x, const struct block *block, integers *a0, integers *a1)
{
#if AVX2
    for (int64_t k = 0; k < STAGE / 2; k++) {
        int32_t pair;
        memcpy(&pair, x + 2 * k, sizeof pair);
        const __m256i both = _mm256_set1_epi32(pair);
        const __m128i *values = (const __m128i *)block->values[k];
        const __m256i low = _mm256_cvtepi8_epi16(_mm_loadu_si128(values));
        const __m256i high = _mm256_cvtepi8_epi16(_mm_loadu_si128(values + 1));
        *a0 += (integers)_mm256_madd_epi16(both, low);
        *a1 += (integers)_mm256_madd_epi16(both, high);
    }
#else
    int32_t sums[LANES] = {0};
    for (int64_t k = 0; k < STAGE / 2; k++)
        for (int64_t j = 0; j < LANES; j++)
            sums[j] += x[2 * k] * block->values[k][j][0] + x[2 * k + 1] * block->values[k][j][1];
    *a0 += *(const integers *)sums;
    *a1 += *(const integers *)(sums + 8);
#endif
}

/* Tell whether any lane is set. */
INLINE int NAME(any)(integers mask)
{
#if AVX2
    return _mm256_movemask_epi8((__m256i)mask) != 0;
#else
    int32_t set = 0;
    for (int64_t j = 0; j < 8; j++)
        set |= mask[j];
    return set != 0;
#endif
}

/* Note the rows of a cell whose distance to the query may be within reach. */
INLINE void NAME(filter)(const struct bank *bank, const struct queries *q, struct member *m,
                         int64_t cell, struct candidate *close)
{
    const int64_t from = bank->starts[cell], blocks = bank->starts[cell + 1] - from;
    const struct block *block = bank->blocks + from * bank->stages;
    struct part *parts = q->parts;
    int64_t count = blocks;
    for (int64_t b = 0; b < blocks; b++)
        parts[b] = (struct part){b, {0}, {0}};
    for (int64_t stage = 0; stage < bank->stages; stage++, block += blocks) {
        const int16_t *values = m->values + stage * STAGE;
        const float bound = m->reach + m->margins[stage];
        int64_t left = 0;
        q->work[0] += count * LANES;
        for (int64_t p = 0; p < count; p++) { /* no branch that could be guessed wrong */
            struct part one = parts[p];
            NAME(multiply)(values, block + one.block, &one.low, &one.high);
            const eight *squares = (const eight *)block[one.block].squares;
            const eight low = m->scale * __builtin_convertvector(one.low, eight) + squares[0];
            const eight high = m->scale * __builtin_convertvector(one.high, eight) + squares[1];
            parts[left] = one;
            left += NAME(any)((integers)(low <= bound) | (integers)(high <= bound));
        }
        count = left;
    }
    const float bound = m->reach + m->margins[bank->stages - 1];
    for (int64_t p = 0; p < count; p++) {
        const int64_t lane = (from + parts[p].block) * LANES;
        const float *squares = (block - blocks)[parts[p].block].squares;
        for (int64_t j = 0; j < LANES; j++) {
            const int32_t sum = j < 8 ? parts[p].low[j] : parts[p].high[j - 8];
            const float value = m->scale * (float)sum + squares[j];
            if (value <= bound)
                close[m->found++] = (struct candidate){lane + j, value};
        }
    }
}

/* Compute the distances of the noted rows, the most promising first. */
INLINE void NAME(rank)(const struct bank *bank, const struct queries *q, struct member *m,
                       const struct candidate *close)
{
    const float margin = m->margins[bank->stages - 1];
    int64_t least = 0;
    for (int64_t f = 0; f < m->found; f++)
        least = close[f].value < close[least].value ? f : least;
    for (int64_t turn = 0; turn < m->found; turn++) { /* the least first, then the others */
        const struct candidate *one = close + (turn == 0 ? least : turn - (turn <= least));
        if (one->value > m->reach + margin)
            continue;
        const float *row = bank->rows + bank->ids[one->lane] * bank->depth;
        const double limit = m->squared[q->count - 1] * (1 + 1e-9);
        const double squared = NAME(distance)(m->point, row, bank->depth, limit);
        q->work[1]++;
        if (!(squared <= limit))
            continue;
        insert(bank, q, m, one->lane, squared);
        lower_limit(m, m->squared[q->count - 1], q->error);
    }
    m->found = 0;
}

/* Search a cell for those members whose bounds do not rule it out. */
INLINE void NAME(visit)(const struct bank *bank, const struct queries *q, struct member *members,
                        const float *bounds, int64_t size, int64_t cell)
{
    const int64_t room = (bank->starts[cell + 1] - bank->starts[cell]) * LANES;
    int64_t active[GROUP], count = 0;
    for (int64_t g = 0; g < size; g++)
        if (bounds[g * bank->cells + cell] <= members[g].limit)
            active[count++] = g;
    for (int64_t a = 0; a < count; a++)
        NAME(filter)(bank, q, members + active[a], cell, q->close + a * room);
    for (int64_t a = 0; a < count; a++)
        NAME(rank)(bank, q, members + active[a], q->close + a * room);
}

/* Return the sum of eight values. */
INLINE float NAME(sum)(const eight v)
{
    return ((v[0] + v[1]) + (v[2] + v[3])) + ((v[4] + v[5]) + (v[6] + v[7]));
}

/* Round a rotated query to integers; note its length up to the end of each stage. */
INLINE void NAME(round)(const struct bank *bank, struct member *m, const float *rotated)
{
    const int64_t width = bank->stages * STAGE;
    const eight magic = {MAGIC, MAGIC, MAGIC, MAGIC, MAGIC, MAGIC, MAGIC, MAGIC};
    eight norm = {0}, error = {0};
    integers largest = {0};
    for (int64_t k = 0; k < width; k += 8) {
        const eight scaled = *(const eight *)(rotated + k) * *(const eight *)(bank->scales + k);
        const integers size = (integers)scaled & INT32_MAX, more = size > largest;
        largest = (size & more) | (largest & ~more); /* floats without a sign sort as integers */
    }
    float most = 0;
    for (int64_t j = 0; j < 8; j++)
        most = ((eight)largest)[j] > most ? ((eight)largest)[j] : most;
    m->scale = most / 32767;
    const float inverse = most > 0 ? 32767 / most : 0;
    for (int64_t k = 0; k < width; k += 8) {
        const eight x = *(const eight *)(rotated + k);
        const eight scaled = x * *(const eight *)(bank->scales + k);
        const eight whole = (scaled * inverse + magic) - magic;
        const eight rest = scaled - m->scale * whole;
        *(shorts *)(m->values + k) = __builtin_convertvector(
            __builtin_convertvector(whole, integers), shorts);
        error += rest * rest;
        norm += x * x;
        if ((k + 8) % STAGE == 0)
            m->margins[k / STAGE] = -NAME(sum)(norm);
    }
    const float slack = sqrtf(NAME(sum)(error)) * 1.0001f * bank->norm;
    for (int64_t stage = 0; stage < bank->stages; stage++)
        m->margins[stage] += slack;
}

/* Prepare a query: a bound on its distance to each cell, and on that to its last row wanted. */
INLINE void NAME(start)(const struct bank *bank, const struct queries *q, struct member *m,
                        int64_t index, float *bounds, int64_t guess)
{
    const int64_t home = q->homes[index];
    const float *gaps = bank->gaps + home * bank->cells;
    const float *inverse = bank->inverse + home * bank->cells;
    const float *values = q->values + index * bank->cells;
    const float base = values[home] + q->cell_error;
    m->point = q->points + index * bank->depth;
    m->slack = q->slacks[index];
    m->farthest = m->limit = m->reach = INFINITY;
    m->found = 0;
    m->doubt = q->doubts + index;
    *m->doubt = 0;
    m->lanes = q->ids + index * q->count;
    m->squared = q->squared + index * q->count;
    for (int64_t j = 0; j < q->count; j++) {
        m->lanes[j] = NONE;
        m->squared[j] = INFINITY;
    }
    NAME(round)(bank, m, q->rotated + index * bank->stages * STAGE);
    for (int64_t c = 0; c < bank->cells; c++)
        bounds[c] = (values[c] - base + gaps[c]) * inverse[c] - m->slack;
    bounds[home] = -INFINITY;
    if (q->count > 1)
        return;
    if (guess == NONE)
        guess = bank->starts[home] * LANES;
    const float *row = bank->rows + bank->ids[guess] * bank->depth;
    lower_limit(m, NAME(distance)(m->point, row, bank->depth, INFINITY), q->error);
}

/* Collect the cells that some member has not ruled out, the most promising first. */
INLINE int64_t NAME(sort_cells)(const struct bank *bank, const struct queries *q,
                                const struct member *members, int64_t size, int64_t home)
{
    float *least = q->bounds + GROUP * bank->cells;
    int64_t count = 0;
    for (int64_t c = 0; c < bank->cells; c++)
        least[c] = INFINITY;
    for (int64_t g = 0; g < size; g++) {
        const float *bounds = q->bounds + g * bank->cells, limit = members[g].limit;
        for (int64_t c = 0; c < bank->cells; c++) {
            const float bound = bounds[c] <= limit ? bounds[c] : INFINITY;
            least[c] = bound < least[c] ? bound : least[c];
        }
    }
    for (int64_t c = 0; c < bank->cells; c++) {
        if (c == home || least[c] == INFINITY)
            continue;
        int64_t at = count++;
        for (; at > 0 && least[q->visits[at - 1]] > least[c]; at--)
            q->visits[at] = q->visits[at - 1];
        q->visits[at] = c;
    }
    return count;
}

TARGET static int64_t NAME(search)(const struct bank *bank, const struct queries *q)
{
    struct member members[GROUP];
    int64_t guess = NONE;
    for (int64_t i = 0, size; i < q->queries; i += size) {
        const int64_t home = q->homes[q->order[i]];
        if (i > 0 && home != q->homes[q->order[i - 1]])
            guess = NONE;
        for (size = 0; size < GROUP && i + size < q->queries; size++) {
            const int64_t index = q->order[i + size];
            if (q->homes[index] != home)
                break;
            float *bounds = q->bounds + size * bank->cells;
            NAME(start)(bank, q, members + size, index, bounds, guess);
            NAME(visit)(bank, q, members + size, bounds, 1, home);
            guess = members[size].lanes[0];
        }
        const int64_t cells = NAME(sort_cells)(bank, q, members, size, home);
        for (int64_t v = 0; v < cells; v++)
            NAME(visit)(bank, q, members, q->bounds, size, q->visits[v]);
        for (int64_t g = 0; g < size; g++)
            finish(bank, q, members + g);
        if (q->work[1] > q->patience * (i + size + GROUP))
            return i + size;
    }
    return q->queries;
}

#undef INLINE
