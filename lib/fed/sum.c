/*
 * A tensor is cut into blocks as the stream cuts it (FL_FLT_BLOCK bytes of f32), a block into rows
 * for the threads. A block's planes come from the store when a value reaches them.
 */
#include "fed/sum.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "base/least.h"
#include "base/mem.h"
#include "fed/rows.h"
#include "fed/store.h"
#include "flt/schema.h"

enum {
    BLOCK = FL_ROWS_BLOCK, /* coordinates of a block */
    ROW = FL_ROWS_ROW,     /* coordinates of a task */
    ROWS = BLOCK / ROW
};

struct block {
    uint64_t *word[FL_EXACT_WORDS];
};

struct entry {
    uint64_t count;       /* coordinates */
    struct block *blocks; /* those whose data arrived; all of them after the first object */
    size_t block_count, block_cap;
};

struct fl_sum {
    struct fl_pool *pool;
    struct fl_progress *progress;
    uint64_t bytes; /* that were added */
    struct fl_store *store;
    struct fl_exact_total total;
    uint64_t terms;
    bool begun;              /* the tensors are known */
    struct fl_schema schema; /* of the mean: plain f32 tensors */
    struct entry *entries;   /* one for each of its tensors */
    size_t count, cap;
};

struct fl_sum *
fl_sum_new(uint64_t memory, struct fl_pool *pool, struct fl_progress *progress)
{
    struct fl_sum *s = fl_alloc(1, sizeof *s);

    if (!s)
        return NULL;
    s->pool = pool;
    s->progress = progress;
    s->store = fl_store_new(memory);
    if (!s->store || fl_schema_start(&s->schema, "the first input")) {
        fl_sum_free(s);
        return NULL;
    }
    return s;
}

void
fl_sum_free(struct fl_sum *s)
{
    if (!s)
        return;
    for (size_t i = 0; i < s->count; i++)
        free(s->entries[i].blocks);
    free(s->entries);
    fl_schema_release(&s->schema);
    fl_store_free(s->store);
    free(s);
}

const struct fl_exact_total *
fl_sum_total(const struct fl_sum *s)
{
    return &s->total;
}

void
fl_sum_schema_shapes(const struct fl_schema *schema, unsigned char digest[FL_HASH_BYTES])
{
    struct fl_hash h;

    fl_hash_init(&h, NULL, "fl1.shapes");
    for (size_t i = 0; i < schema->count; i++) {
        const struct fl_tensor *t = &schema->items[i].tensor;
        fl_hash_add_sized(&h, t->name, strlen(t->name));
        fl_hash_add64(&h, t->rank);
        for (unsigned k = 0; k < t->rank; k++)
            fl_hash_add64(&h, t->dims[k]);
    }
    fl_hash_final(&h, digest);
}

void
fl_sum_shapes(const struct fl_sum *s, unsigned char digest[FL_HASH_BYTES])
{
    fl_sum_schema_shapes(&s->schema, digest);
}

uint64_t
fl_sum_terms(const struct fl_sum *s)
{
    return s->terms;
}

uint64_t
fl_sum_bytes(const struct fl_sum *s)
{
    return s->bytes;
}

/* Coordinates of block B. */
static size_t
block_size(const struct entry *e, size_t b)
{
    uint64_t left = e->count - (uint64_t)b * BLOCK;

    return fl_piece(left, BLOCK);
}

static size_t
row_count(size_t n)
{
    return (n + ROW - 1) / ROW;
}

static const struct fl_tensor *
tensor_of(const struct fl_sum *s, const struct entry *e)
{
    return &s->schema.items[e - s->entries].tensor;
}

/*
 * The entry that tensor number I of an object belongs to: a new one while the first object is read,
 * else the one that must be the same.
 */
static struct entry *
find_entry(struct fl_sum *s, const char *file, size_t i, const struct fl_tensor *t)
{
    struct fl_tensor plain; /* attributes do not matter to a sum */

    fl_tensor_init(&plain, t->name, t->dtype, t->rank, t->dims);
    if (!s->begun) {
        struct entry *grown = fl_grow(s->entries, s->count, &s->cap, sizeof *grown);
        uint64_t bytes;
        if (!grown)
            return NULL;
        s->entries = grown;
        struct entry *e = &grown[s->count];
        memset(e, 0, sizeof *e);
        if (fl_tensor_size(&plain, &e->count, &bytes) || fl_schema_add(&s->schema, &plain, true))
            return NULL;
        s->count++;
        return e;
    }
    return fl_schema_match_next(&s->schema, i, file, &plain) ? NULL : &s->entries[i];
}

/*
 * Block B of E, with planes FROM and above. Blocks are made one after the other as their data
 * comes: a header that promises more than follows costs nothing.
 */
static struct block *
need_planes(struct fl_sum *s, struct entry *e, size_t b, int from)
{
    if (b == e->block_count) {
        struct block *grown = fl_grow(e->blocks, b, &e->block_cap, sizeof *grown);
        if (!grown)
            return NULL;
        e->blocks = grown;
        e->blocks[e->block_count++] = (struct block){{NULL}};
    }
    struct block *block = &e->blocks[b];
    for (int w = FL_EXACT_WORDS - 1; w >= from; w--) {
        if (!block->word[w])
            block->word[w] = fl_store_words(s->store, block_size(e, b));
        if (!block->word[w])
            return NULL;
    }
    return block;
}

/* A block's planes from coordinate AT on. */
static void
planes_at(uint64_t *word[FL_EXACT_WORDS], const struct block *block, size_t at)
{
    for (int w = 0; w < FL_EXACT_WORDS; w++)
        word[w] = block->word[w] ? block->word[w] + at : NULL;
}

/* One block of an update on its way into the sum. */
struct adding {
    struct block *block;
    const float *x;
    size_t n;
    double weight;
    int reach[ROWS]; /* of rows that are still to be added; FL_EXACT_WORDS when a row is in */
};

/* Add the row, unless it needs planes that are not there yet. */
static void
add_row(void *arg, size_t row, int worker)
{
    struct adding *a = arg;
    size_t at = row * ROW, n = a->n - at < ROW ? a->n - at : ROW;
    uint64_t *word[FL_EXACT_WORDS];
    struct fl_exact_span span;

    (void)worker;
    if (a->reach[row] == FL_EXACT_WORDS)
        return;
    fl_exact_span(a->x + at, n, &span);
    int reach = a->reach[row] = fl_exact_reach(&span, a->weight);
    if (reach < 0 || reach == FL_EXACT_WORDS || !a->block->word[reach])
        return;
    planes_at(word, a->block, at);
    fl_exact_add(word, a->x + at, n, a->weight);
    a->reach[row] = FL_EXACT_WORDS;
}

/* Name the first value of a block that cannot be added. */
static int
bad_value(const char *file, const struct fl_tensor *t, size_t b, const float *x, size_t n,
          double weight)
{
    size_t i = 0;
    int reach = 0;

    for (; i < n; i++) {
        struct fl_exact_span span;
        fl_exact_span(x + i, 1, &span);
        reach = fl_exact_reach(&span, weight);
        if (reach < 0)
            break;
    }
    unsigned long long at = (unsigned long long)b * BLOCK + i;
    if (reach == FL_EXACT_NOT_FINITE)
        return fl_error(FL_FAILED,
                        "%s: tensor \"%s\": value %llu is %g; an update is made of finite numbers",
                        file, t->name, at, (double)x[i]);
    return fl_error(FL_FAILED,
                    "%s: tensor \"%s\": value %llu is %g, times its weight %g not below 2^%d; no "
                    "update of use has such values",
                    file, t->name, at, (double)x[i], weight, FL_EXACT_BITS);
}

/*
 * In a pipe the check values of a tensor come after it: a value that cannot be is reported as such
 * only when the stream is not damaged there.
 */
static int
blame(struct fl_reader *in)
{
    struct fl_error_copy error;
    const struct fl_tensor *t;

    fl_error_save(&error);
    if (fl_reader_tensor(in, &t) < 0)
        return -1;
    return fl_error_restore(&error);
}

/* The number of tensors, once an object has ended. */
static int
check_count(struct fl_sum *s, const char *file, size_t tensors)
{
    if (!s->begun && tensors == 0)
        return fl_error(FL_FAILED, "%s: has no tensors; there is nothing to add", file);
    s->begun = true;
    return fl_schema_match_end(&s->schema, tensors, file);
}

static int
add_terms(struct fl_sum *s, const char *file, uint64_t terms)
{
    if (terms > FL_EXACT_TERMS - s->terms)
        return fl_error(FL_FAILED, "%s: a sum can hold %d updates, and this is one too many", file,
                        FL_EXACT_TERMS);
    s->terms += terms;
    return 0;
}

/* The next block of the tensor at hand, of either kind. */
static int
next_block(struct fl_sum *s, struct fl_reader *in, const unsigned char **data, size_t *len)
{
    int got = fl_reader_block(in, data, len);

    if (got == 1)
        s->bytes += *len;
    if (s->progress)
        fl_progress_show(s->progress, s->bytes, "%s", "");
    return got;
}

/* A block of the tensor at hand, of either kind. */
struct piece {
    struct fl_sum *sum;
    struct fl_reader *in;
    const unsigned char *data;
    size_t len;
    int got;                    /* as of fl_reader_block */
    struct fl_error_copy error; /* with -1: of the thread that read it */
};

/* The next one, in any thread. */
static void
read_piece(void *arg, size_t index, int worker)
{
    struct piece *p = arg;

    (void)index;
    (void)worker;
    p->got = next_block(p->sum, p->in, &p->data, &p->len);
    if (p->got < 0)
        fl_error_save(&p->error);
}

/*
 * Let COUNT tasks work on one block while the next is read. A thread alone reads last, since the
 * block at hand is still near it.
 */
static void
run_and_read(struct fl_sum *s, fl_task *task, void *arg, size_t count, struct piece *next)
{
    const struct fl_job work = {task, arg, count}, read = {read_piece, next, 1};
    const bool alone = fl_pool_threads(s->pool) == 1;

    fl_pool_run_jobs(s->pool, (struct fl_job[]){alone ? work : read, alone ? read : work}, 2);
}

/* Add block B, of which P is the values; P becomes the next one. */
static int
add_block(struct fl_sum *s, struct entry *e, size_t b, struct piece *p, double weight)
{
    struct adding a = {.block = need_planes(s, e, b, FL_EXACT_WORDS),
                       .x = (const float *)(const void *)p->data,
                       .n = p->len / sizeof(float),
                       .weight = weight};
    const size_t rows = row_count(a.n);

    if (!a.block)
        return -1;
    run_and_read(s, add_row, &a, rows, p);
    for (;;) {
        int least = FL_EXACT_WORDS;
        for (size_t row = 0; row < rows; row++)
            least = a.reach[row] < least ? a.reach[row] : least;
        if (least < 0)
            return bad_value(fl_reader_name(p->in), tensor_of(s, e), b, a.x, a.n, weight);
        if (least == FL_EXACT_WORDS)
            return 0;
        if (!need_planes(s, e, b, least))
            return -1;
        fl_pool_run(s->pool, rows, add_row, &a);
    }
}

static int
add_tensor(struct fl_sum *s, struct fl_reader *in, struct entry *e, double weight)
{
    struct piece p = {.sum = s, .in = in};

    read_piece(&p, 0, 0);
    for (size_t b = 0; p.got == 1; b++)
        if (add_block(s, e, b, &p, weight))
            return blame(in);
    return p.got ? fl_error_restore(&p.error) : 0;
}

int
fl_sum_add_update(struct fl_sum *s, struct fl_reader *in, double weight)
{
    const char *file = fl_reader_name(in);
    const struct fl_tensor *t;
    size_t tensors = 0;
    int got;

    if (add_terms(s, file, 1))
        return -1;
    fl_exact_total_add(&s->total, weight);
    for (; (got = fl_reader_tensor(in, &t)) == 1; tensors++) {
        char shape[200];
        if (t->dtype != FL_F32 || t->role != FL_PLAIN)
            return fl_error(FL_FAILED,
                            "%s: tensor \"%s\" is %s %s; an update is made of plain f32 tensors",
                            file, t->name, fl_role_name(t->role),
                            fl_tensor_shape(t, shape, sizeof shape));
        struct entry *e = find_entry(s, file, tensors, t);
        if (!e || add_tensor(s, in, e, weight))
            return -1;
    }
    return got || check_count(s, file, tensors) ? -1 : 0;
}

/* Shape and lowest word of a tensor in a partial sum, as the f32 tensor that it is the sum of. */
static int
partial_tensor(const char *file, const struct fl_tensor *t, struct fl_tensor *plain, int *from)
{
    int64_t exponent = 0;
    uint64_t words = t->rank ? t->dims[t->rank - 1] : 0;

    if (t->dtype != FL_U64 || t->role != FL_PLAIN || (words != 1 && words != 2 && words != 4) ||
        fl_meta_get_i64(&t->attrs, "exponent", FL_EXACT_UNIT, 3, &exponent) ||
        exponent != FL_EXACT_UNIT + 64 * (FL_EXACT_WORDS - (int64_t)words)) {
        fl_error(
            FL_FAILED,
            "%s: tensor \"%s\" is not one of a partial sum; make it with fl-aggregate --partial",
            file, t->name);
        return -1;
    }
    *from = FL_EXACT_WORDS - (int)words;
    fl_tensor_init(plain, t->name, FL_F32, t->rank - 1, t->dims);
    return 0;
}

/* One piece of a partial tensor, N coordinates from AT on; a piece lies within a block. */
struct merging {
    struct block *block;
    size_t at, n;
    int from;
    const unsigned char *stored;
    uint64_t terms;
    bool bad[ROWS];
};

static void
merge_row(void *arg, size_t row, int worker)
{
    struct merging *m = arg;
    size_t at = row * ROW, n = m->n - at < ROW ? m->n - at : ROW;
    size_t stored = at * 8 * (size_t)(FL_EXACT_WORDS - m->from);
    uint64_t *word[FL_EXACT_WORDS];

    (void)worker;
    planes_at(word, m->block, m->at + at);
    m->bad[row] = fl_exact_add_stored(word, m->from, m->stored + stored, n, m->terms) < 0;
}

static int
merge_tensor(struct fl_sum *s, struct fl_reader *in, struct entry *e, int from, uint64_t terms)
{
    const size_t each = 8 * (size_t)(FL_EXACT_WORDS - from);
    struct piece p = {.sum = s, .in = in};
    size_t n;

    read_piece(&p, 0, 0);
    for (uint64_t at = 0; p.got == 1; at += n) {
        n = p.len / each;
        struct merging m = {.block = need_planes(s, e, (size_t)(at / BLOCK), from),
                            .at = (size_t)(at % BLOCK),
                            .n = n,
                            .from = from,
                            .stored = p.data,
                            .terms = terms};
        if (!m.block)
            return -1;
        run_and_read(s, merge_row, &m, row_count(n), &p);
        for (size_t row = 0; row < row_count(m.n); row++) {
            if (!m.bad[row])
                continue;
            fl_error(FL_FAILED,
                     "%s: tensor \"%s\" has a sum that %llu updates cannot have, near value %llu",
                     fl_reader_name(in), tensor_of(s, e)->name, (unsigned long long)terms,
                     (unsigned long long)(at + row * ROW));
            return blame(in);
        }
    }
    return p.got ? fl_error_restore(&p.error) : 0;
}

int
fl_sum_add_partial(struct fl_sum *s, struct fl_reader *in, uint64_t terms,
                   const struct fl_exact_total *total)
{
    const char *file = fl_reader_name(in);
    const struct fl_tensor *t;
    size_t tensors = 0;
    int got;

    if (add_terms(s, file, terms))
        return -1;
    fl_exact_total_merge(&s->total, total);
    for (; (got = fl_reader_tensor(in, &t)) == 1; tensors++) {
        struct fl_tensor plain;
        int from = 0;
        if (partial_tensor(file, t, &plain, &from))
            return -1;
        struct entry *e = find_entry(s, file, tensors, &plain);
        if (!e || merge_tensor(s, in, e, from, terms))
            return -1;
    }
    return got || check_count(s, file, tensors) ? -1 : 0;
}

struct dividing {
    const struct fl_sum *sum;
    const struct entry *entry;
};

static void
divide_row(const void *arg, uint64_t at, size_t n, float *out)
{
    const struct dividing *d = arg;
    uint64_t *word[FL_EXACT_WORDS];

    planes_at(word, &d->entry->blocks[at / BLOCK], (size_t)(at % BLOCK));
    fl_exact_mean(out, word, n, &d->sum->total);
}

int
fl_sum_write_mean(struct fl_sum *s, struct fl_writer *out)
{
    struct fl_rows *rows = fl_rows_new(s->pool, NULL);
    int result = rows ? 0 : -1;

    for (size_t i = 0; !result && i < s->count; i++) {
        struct dividing d = {s, &s->entries[i]};
        uint64_t bad;
        result = fl_rows_write(rows, out, tensor_of(s, &s->entries[i]), divide_row, &d, &bad);
        assert(result != 1); /* a mean of finite values is finite */
    }
    fl_rows_free(rows);
    return result;
}

/* The lowest word that a tensor's sums need in a partial sum: 0, 2 or 3. */
static int
lowest_word(const struct entry *e)
{
    int from = FL_EXACT_WORDS - 1;

    for (size_t b = 0; b < e->block_count; b++) {
        int lowest = fl_exact_lowest(e->blocks[b].word, block_size(e, b));
        from = lowest < from ? lowest : from;
    }
    return from == 1 ? 0 : from;
}

static int
write_partial_block(struct fl_writer *out, const struct block *block, int from, size_t n,
                    unsigned char *buffer)
{
    for (size_t at = 0; at < n; at += ROW) {
        size_t row = n - at < ROW ? n - at : ROW;
        uint64_t *word[FL_EXACT_WORDS];
        planes_at(word, block, at);
        fl_exact_store(buffer, word, from, row);
        if (fl_writer_data(out, buffer, row * 8 * (size_t)(FL_EXACT_WORDS - from)))
            return -1;
    }
    return 0;
}

static int
write_partial_tensor(const struct fl_sum *s, const struct entry *e, struct fl_writer *out,
                     unsigned char *buffer)
{
    struct fl_tensor t = *tensor_of(s, e);
    int from = lowest_word(e);

    if (t.rank == FL_FLT_RANK_MAX)
        return fl_error(
            FL_FAILED,
            "tensor \"%s\" has %d dimensions; a partial sum needs one more, and that is too many",
            t.name, FL_FLT_RANK_MAX);
    t.dims[t.rank++] = (uint64_t)(FL_EXACT_WORDS - from);
    t.dtype = FL_U64;
    if (fl_meta_set_i64(&t.attrs, "exponent", FL_EXACT_UNIT + 64 * from))
        return -1;
    int failed = fl_writer_tensor(out, &t);
    fl_meta_release(&t.attrs);
    for (size_t b = 0; !failed && b < e->block_count; b++)
        failed = write_partial_block(out, &e->blocks[b], from, block_size(e, b), buffer);
    return failed;
}

int
fl_sum_write_partial(struct fl_sum *s, struct fl_writer *out)
{
    unsigned char *buffer = fl_alloc_aligned(ROW, 8 * FL_EXACT_WORDS);
    int result = buffer ? 0 : -1;

    for (size_t i = 0; !result && i < s->count; i++)
        result = write_partial_tensor(s, &s->entries[i], out, buffer);
    free(buffer);
    return result;
}
