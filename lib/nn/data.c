/*
 * Every id is looked at once, when its shard is added; afterwards ids are copied from the maps of
 * files, and those that came through a pipe, or packed, from one sealed file.
 */
#include "nn/data.h"

#include <assert.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/bytes.h"
#include "base/error.h"
#include "base/least.h"
#include "base/mem.h"
#include "base/search.h"
#include "crypt/sealed.h"
#include "flt/reader.h"
#include "nn/engine.h"
#include "os/file.h"
#include "data/shard.h"

/* The ids of one tensor, in the map of a file or in the sealed file. */
struct segment {
    uint64_t first, count;
    uint64_t within;           /* first in its shard */
    size_t shard;              /* the number of that */
    uint64_t at;               /* in the file */
    const unsigned char *data; /* in the map, else it is sealed */
    unsigned width;            /* bytes of an id */
    bool sealed;
};

enum { SEALED_PART = 16 << 10 }; /* bytes of ids that are opened at once */

struct map {
    void *data;
    size_t len;
};

struct fl_data {
    unsigned char tokenizer[FL_HASH_BYTES];
    uint32_t vocab;
    const struct fl_marks *marks; /* or NULL */
    uint64_t tokens;
    struct fl_data_shard *shards;
    size_t shard_count, shard_cap;
    struct segment *segments;
    size_t segment_count, segment_cap;
    struct map *maps;
    size_t map_count, map_cap;
    struct fl_sealed *sealed; /* or NULL */
};

/* One input while it is added. */
struct input {
    struct fl_data *data;
    struct fl_reader *reader;
    const char *name;
    int fd;
    bool mappable;
    int64_t eot;   /* of the shard at hand; -1 when it has none */
    uint32_t last; /* its last id so far */
};

struct fl_data *
fl_data_new(const unsigned char tokenizer[FL_HASH_BYTES], uint32_t vocab,
            const struct fl_marks *marks)
{
    struct fl_data *d = fl_alloc(1, sizeof *d);

    if (d) {
        memcpy(d->tokenizer, tokenizer, FL_HASH_BYTES);
        d->vocab = vocab;
        d->marks = marks;
    }
    return d;
}

void
fl_data_free(struct fl_data *d)
{
    if (!d)
        return;
    for (size_t i = 0; i < d->shard_count; i++)
        free(d->shards[i].name);
    for (size_t i = 0; i < d->map_count; i++)
        fl_unmap(d->maps[i].data, d->maps[i].len);
    fl_sealed_free(d->sealed);
    free(d->shards);
    free(d->segments);
    free(d->maps);
    free(d);
}

/* A word of the shard into TO, which stays "" when it has none. */
static int
read_word(const struct fl_data_shard *shard, const struct fl_meta *meta, const char *key, char *to,
          size_t size)
{
    const char *text = NULL;

    if (fl_meta_find(meta, key) && fl_meta_get_text(meta, key, &text))
        return fl_error_about(shard->name);
    if (text)
        snprintf(to, size, "%s", *text ? text : "?");
    return 0;
}

/* Is the shard a part of its text that was put aside, and which? And what are its documents? */
static int
read_split(struct fl_data_shard *shard, const struct fl_meta *meta)
{
    if (read_word(shard, meta, "split", shard->split, sizeof shard->split) ||
        read_word(shard, meta, "unit", shard->unit, sizeof shard->unit))
        return -1;
    if (*shard->split && fl_meta_find(meta, "split.fraction") &&
        fl_meta_get_f64(meta, "split.fraction", &shard->fraction))
        return fl_error_about(shard->name);
    return 0;
}

static int
read_contract(struct fl_data_shard *shard, const struct fl_meta *meta)
{
    const unsigned char *contract;

    shard->contracted = fl_meta_find(meta, "contract") != NULL;
    if (!shard->contracted)
        return 0;
    if (fl_meta_get_bytes(meta, "contract", FL_HASH_BYTES, &contract))
        return fl_error_about(shard->name);
    memcpy(shard->contract, contract, FL_HASH_BYTES);
    return 0;
}

static int
begin_shard(struct input *in, const struct fl_head *head)
{
    struct fl_data *d = in->data;
    const unsigned char *tokenizer;
    int64_t vocab;

    if (fl_meta_get_bytes(&head->meta, "tokenizer", FL_HASH_BYTES, &tokenizer) ||
        fl_meta_get_i64(&head->meta, "vocab", 1, UINT32_MAX, &vocab))
        return fl_error_about(in->name);
    if (memcmp(tokenizer, d->tokenizer, FL_HASH_BYTES))
        return fl_error(FL_FAILED,
                        "%s: was made with another tokenizer than the model's; make it again with "
                        "fl-harmonize -t MODEL",
                        in->name);
    in->eot = -1;
    if (fl_meta_find(&head->meta, "eot") &&
        fl_meta_get_i64(&head->meta, "eot", -1, UINT32_MAX, &in->eot))
        return fl_error_about(in->name);
    if (in->eot >= 0 && d->marks && in->eot != d->marks->end)
        return fl_error(FL_FAILED,
                        "%s: its documents end with token %lld, and the model's with %lld; make it "
                        "again with fl-harmonize -t MODEL",
                        in->name, (long long)in->eot, (long long)d->marks->end);
    struct fl_data_shard *shards = fl_grow(d->shards, d->shard_count, &d->shard_cap,
                                           sizeof *shards);
    if (!shards)
        return -1;
    d->shards = shards;
    struct fl_data_shard *shard = &shards[d->shard_count];
    *shard = (struct fl_data_shard){.name = fl_strdup(in->name),
                                    .first = d->tokens,
                                    .number = d->shard_count,
                                    .eot = in->eot,
                                    .counted = true};
    if (!shard->name)
        return -1;
    d->shard_count++;
    return read_split(shard, &head->meta) || read_contract(shard, &head->meta) ? -1 : 0;
}

static int
check_tensor(const struct input *in, const struct fl_tensor *t, size_t number)
{
    char want[32];

    snprintf(want, sizeof want, "tokens/%06zu", number);
    if (strcmp(t->name, want))
        return fl_error(
            FL_FAILED,
            "%s: has a tensor \"%s\" where \"%s\" belongs; make it again with fl-harmonize",
            in->name, t->name, want);
    if ((t->dtype != FL_U16 && t->dtype != FL_U32) || t->rank != 1) {
        char shape[120];
        return fl_error(FL_FAILED, "%s: tensor \"%s\" is %s; ids are u16 or u32 of one dimension",
                        in->name, t->name, fl_tensor_shape(t, shape, sizeof shape));
    }
    return 0;
}

/* What the tensor's documents are, one of passages being enough; how many bytes of text it has. */
static int
read_attributes(const struct input *in, const struct fl_tensor *t)
{
    struct fl_data_shard *shard = &in->data->shards[in->data->shard_count - 1];
    int64_t bytes = 0;

    if (strcmp(shard->unit, "passage") != 0 &&
        read_word(shard, &t->attrs, FL_SHARD_UNIT, shard->unit, sizeof shard->unit))
        return -1;
    if (!(shard->counted = shard->counted && fl_meta_find(&t->attrs, FL_SHARD_BYTES)))
        return 0;
    if (fl_meta_get_i64(&t->attrs, FL_SHARD_BYTES, 0, INT64_MAX, &bytes))
        return fl_error_about(t->name), fl_error_about(in->name);
    shard->bytes += (uint64_t)bytes;
    return 0;
}

/* Count documents of N ids and note in *BAD the first one that the model does not have. */
static void
scan_block(struct input *in, const unsigned char *data, size_t n, unsigned width, int64_t *bad)
{
    struct fl_data_shard *shard = &in->data->shards[in->data->shard_count - 1];
    uint64_t ends = 0;
    uint32_t max = 0;

    for (size_t i = 0; i < n; i++) {
        uint32_t id = width == 2 ? fl_get16(data + 2 * i) : fl_get32(data + 4 * i);
        ends += id == in->eot;
        max = fl_max_u32(max, id);
        in->last = id;
    }
    shard->documents += ends;
    if (*bad < 0 && max >= in->data->vocab)
        *bad = max;
}

static int
add_tensor(struct input *in, const struct fl_tensor *t, size_t number)
{
    struct fl_data *d = in->data;
    const unsigned char *block;
    size_t len;
    int64_t bad = -1;
    int got;

    struct segment *segments = fl_grow(d->segments, d->segment_count, &d->segment_cap,
                                       sizeof *segments);
    if (!segments)
        return -1;
    d->segments = segments;
    if (check_tensor(in, t, number) || read_attributes(in, t))
        return -1;
    struct segment seg = {.first = d->tokens,
                          .count = t->dims[0],
                          .within = d->tokens - d->shards[d->shard_count - 1].first,
                          .shard = d->shard_count - 1,
                          .width = (unsigned)fl_dtype_size(t->dtype),
                          .sealed = !in->mappable || fl_reader_packed(in->reader)};
    if (seg.sealed && !d->sealed && !(d->sealed = fl_sealed_new()))
        return -1;
    seg.at = seg.sealed ? fl_sealed_size(d->sealed) : fl_reader_payload_offset(in->reader);
    while ((got = fl_reader_block(in->reader, &block, &len)) == 1) {
        if (seg.sealed && fl_sealed_add(d->sealed, block, len))
            return -1;
        scan_block(in, block, len / seg.width, seg.width, &bad);
    }
    if (got < 0)
        return -1;
    if (bad >= 0)
        return fl_error(FL_FAILED,
                        "%s: tensor \"%s\" has the id %lld, and the model's ids end at %lu; make "
                        "it again with fl-harmonize -t MODEL",
                        in->name, t->name, (long long)bad, (unsigned long)d->vocab - 1);
    d->tokens += seg.count;
    if (seg.count)
        d->segments[d->segment_count++] = seg;
    return 0;
}

static int
add_objects(struct input *in)
{
    struct fl_data *d = in->data;
    const struct fl_head *head;
    const struct fl_tensor *t;
    int got;

    fl_reader_want_digest(in->reader);
    while ((got = fl_reader_expect(in->reader, FL_KIND_TOKENS, &head)) == 1) {
        size_t number = 0;
        if (begin_shard(in, head))
            return -1;
        while ((got = fl_reader_tensor(in->reader, &t)) == 1)
            if (add_tensor(in, t, number++))
                return -1;
        if (got < 0)
            return -1;
        struct fl_data_shard *shard = &d->shards[d->shard_count - 1];
        shard->tokens = d->tokens - shard->first;
        shard->documents += shard->tokens && in->last != in->eot;
        fl_reader_digest(in->reader, shard->digest);
    }
    return got;
}

/* Map the file of IN; segments after the first FROM that lie in it point to their ids. */
static int
map_segments(const struct input *in, size_t from)
{
    struct fl_data *d = in->data;
    bool used = false;

    for (size_t i = from; i < d->segment_count; i++)
        used = used || !d->segments[i].sealed;
    if (!used)
        return 0;
    struct map *maps = fl_grow(d->maps, d->map_count, &d->map_cap, sizeof *maps);
    if (!maps)
        return -1;
    d->maps = maps;
    int64_t len = fl_regular_size(in->fd);
    void *map = fl_map(in->fd, in->name, (size_t)len);
    if (!map)
        return -1;
    maps[d->map_count++] = (struct map){map, (size_t)len};
    for (size_t i = from; i < d->segment_count; i++) {
        struct segment *s = &d->segments[i];
        if (s->sealed)
            continue;
        if (s->at + s->count * s->width > (uint64_t)len)
            return fl_error(FL_FAILED, "%s: became shorter while it was read", in->name);
        s->data = (const unsigned char *)map + s->at;
    }
    return 0;
}

int
fl_data_add(struct fl_data *d, const char *path)
{
    struct input in = {.data = d, .name = fl_input_name(path)};
    size_t from = d->segment_count;
    int result = -1;

    in.fd = fl_open_input(path, true);
    if (in.fd < 0)
        return -1;
    in.mappable = fl_regular_size(in.fd) >= 0 && lseek(in.fd, 0, SEEK_CUR) == 0;
    in.reader = fl_reader_new(in.fd, in.name);
    if (in.reader && !add_objects(&in))
        result = map_segments(&in, from);
    fl_reader_free(in.reader);
    fl_close_input(in.fd);
    return result;
}

static int
by_digest(const void *a, const void *b)
{
    const struct fl_data_shard *x = a, *y = b;

    return memcmp(x->digest, y->digest, FL_HASH_BYTES);
}

static int
by_first(const void *a, const void *b)
{
    const struct segment *x = a, *y = b;

    return (x->first > y->first) - (x->first < y->first);
}

int
fl_data_sort(struct fl_data *d)
{
    uint64_t place = 0;
    uint64_t *moved = fl_alloc(d->shard_count, sizeof *moved); /* new first of a shard, by number */

    if (!moved)
        return -1;
    if (d->shard_count)
        qsort(d->shards, d->shard_count, sizeof *d->shards, by_digest);
    for (size_t i = 0; i < d->shard_count; i++) {
        struct fl_data_shard *s = &d->shards[i];
        if (i && !by_digest(s - 1, s)) {
            free(moved);
            return fl_error(FL_FAILED, "%s: is the same shard as %s; name each shard once", s->name,
                            s[-1].name);
        }
        moved[s->number] = place;
        s->first = place;
        place += s->tokens;
    }
    for (size_t i = 0; i < d->segment_count; i++)
        d->segments[i].first = moved[d->segments[i].shard] + d->segments[i].within;
    if (d->segment_count)
        qsort(d->segments, d->segment_count, sizeof *d->segments, by_first);
    free(moved);
    return 0;
}

static int
put_aside(const struct fl_data_shard *s)
{
    char part[40] = "";

    if (strcmp(s->split, "valid"))
        return fl_error(
            FL_FAILED, "%s: is the part \"%s\" of its text, which was put aside; train on the rest",
            s->name, s->split);
    if (s->fraction > 0)
        snprintf(part, sizeof part, ", %.6g of its text", s->fraction);
    return fl_error(
        FL_FAILED,
        "%s: was put aside for validation%s; give it to --valid, or make shards without "
        "fl-harmonize --valid to train on all of the text",
        s->name, part);
}

int
fl_data_check_split(const struct fl_data *train, const struct fl_data *valid)
{
    if (valid && valid->shard_count && fl_data_tokens(valid) < 2)
        return fl_error(FL_FAILED, "%s: has less than two tokens, so there is nothing to predict",
                        valid->shards[0].name);
    for (size_t i = 0, k = 0; i < train->shard_count; i++) {
        const struct fl_data_shard *s = &train->shards[i];
        if (*s->split)
            return put_aside(s);
        while (valid && k < valid->shard_count && by_digest(&valid->shards[k], s) < 0)
            k++;
        if (valid && k < valid->shard_count && !by_digest(&valid->shards[k], s))
            return fl_error(FL_FAILED,
                            "%s: is the same shard as %s, which --valid measures on; name it for "
                            "one of the two",
                            s->name, valid->shards[k].name);
    }
    return 0;
}

int
fl_data_check_contract(const struct fl_data *train, const struct fl_data *valid,
                       const unsigned char **contract)
{
    const struct fl_data *const both[] = {train, valid};
    const struct fl_data_shard *first = train->shard_count ? &train->shards[0] : NULL;

    *contract = first && first->contracted ? first->contract : NULL;
    for (size_t k = 0; k < 2 && first; k++)
        for (size_t i = 0; both[k] && i < both[k]->shard_count; i++) {
            const struct fl_data_shard *s = &both[k]->shards[i];
            if (s->contracted == first->contracted &&
                !memcmp(s->contract, first->contract, FL_HASH_BYTES))
                continue;
            return fl_error(FL_REFUSED,
                            "%s: was harmonized by another contract than %s; make both with "
                            "fl-harmonize -c and one contract",
                            s->name, first->name);
        }
    return 0;
}

size_t
fl_data_count(const struct fl_data *d)
{
    return d->shard_count;
}

const struct fl_data_shard *
fl_data_shard(const struct fl_data *d, size_t i)
{
    return &d->shards[i];
}

uint64_t
fl_data_tokens(const struct fl_data *d)
{
    return d->tokens;
}

uint64_t
fl_data_documents(const struct fl_data *d)
{
    uint64_t sum = 0;

    for (size_t i = 0; i < d->shard_count; i++)
        sum += d->shards[i].documents;
    return sum;
}

uint64_t
fl_data_bytes(const struct fl_data *d)
{
    uint64_t sum = 0;

    for (size_t i = 0; i < d->segment_count; i++)
        sum += d->segments[i].count * d->segments[i].width;
    return sum;
}

static bool
begins_by(const void *segment, const void *place)
{
    return ((const struct segment *)segment)->first <= *(const uint64_t *)place;
}

/* The segment that holds PLACE: the last that begins there or before. */
static size_t
segment_of(const struct fl_data *d, uint64_t place)
{
    return fl_search(d->segments, d->segment_count, sizeof *d->segments, &place, begins_by) - 1;
}

static int
changed(const struct fl_data *d, size_t number)
{
    const struct fl_data_shard *s = d->shards;

    while (s->number != number)
        s++;
    return fl_error(FL_FAILED, "%s: was changed while it was read; start again", s->name);
}

/* N ids at P; the largest of them. */
static uint32_t
take_ids(const unsigned char *p, unsigned width, size_t n, uint32_t *ids)
{
    uint32_t max = 0;

    for (size_t i = 0; i < n; i++, p += width) {
        ids[i] = width == 2 ? fl_get16(p) : fl_get32(p);
        max = fl_max_u32(max, ids[i]);
    }
    return max;
}

/* N ids of a segment from its number AT on. */
static int
read_segment(const struct fl_data *d, const struct segment *seg, uint64_t at, size_t n,
             uint32_t *ids)
{
    unsigned char part[SEALED_PART];

    if (!seg->sealed)
        return take_ids(seg->data + at * seg->width, seg->width, n, ids) < d->vocab
                   ? 0
                   : changed(d, seg->shard);
    for (size_t take; n; at += take, ids += take, n -= take) { /* they are as they were checked */
        take = fl_piece(n, SEALED_PART / seg->width);
        if (fl_sealed_read(d->sealed, seg->at + at * seg->width, part, take * seg->width))
            return -1;
        take_ids(part, seg->width, take, ids);
    }
    return 0;
}

int
fl_data_read(const struct fl_data *d, uint64_t place, size_t n, uint32_t *ids)
{
    assert(place < d->tokens);
    for (size_t s = segment_of(d, place); n; s = (s + 1) % d->segment_count, place = 0) {
        const struct segment *seg = &d->segments[s];
        uint64_t at = place ? place - seg->first : 0, left = seg->count - at;
        size_t take = fl_piece(left, n);
        if (read_segment(d, seg, at, take, ids))
            return -1;
        ids += take;
        n -= take;
    }
    return 0;
}

/* The state of a walk that comes to PLACE. */
static int
walk_to(const struct fl_data *d, uint64_t place, struct fl_walk *w)
{
    uint64_t back = fl_min_u64(d->marks->begin.len, place);
    uint32_t ids[FL_MARKS_MAX] = {0};

    fl_walk_init(w, d->marks, place > back);
    if (back && fl_data_read(d, place - back, (size_t)back, ids))
        return -1;
    for (uint64_t i = 0; i < back; i++)
        fl_walk_next(w, ids[i]);
    return 0;
}

/* Does a shard, and so a document, begin at PLACE? */
static bool
begins_shard(const struct fl_data *d, uint64_t place)
{
    size_t low = 0, high = d->shard_count; /* the first shard that begins after PLACE */

    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (d->shards[middle].first > place)
            high = middle;
        else
            low = middle + 1;
    }
    return low && d->shards[low - 1].first == place;
}

/* Begin ids are no targets; nor, where documents are kept apart, is what follows one. */
static int
pass_marks(const struct fl_data *d, uint64_t place, size_t n, const struct fl_window *to,
           uint64_t *counted)
{
    struct fl_walk w;
    size_t first = 0;

    if (walk_to(d, place, &w))
        return -1;
    enum fl_walk_role role = fl_walk_next(&w, to->x[0]), next;
    for (size_t i = 0; i < n; i++, role = next) {
        bool last = role == FL_WALK_END || begins_shard(d, (place + i + 1) % d->tokens);
        next = fl_walk_next(&w, to->y[i]);
        if (to->start)
            to->start[i] = (uint32_t)first;
        if (last)
            first = i + 1;
        if (next != FL_WALK_BEGIN && !(to->start && last))
            continue;
        to->y[i] = FL_IGNORE;
        --*counted;
    }
    return 0;
}

int
fl_data_window(const struct fl_data *d, uint64_t place, size_t n, const struct fl_window *w,
               uint64_t *counted)
{
    if (fl_data_read(d, place, n, w->x) || fl_data_read(d, (place + 1) % d->tokens, n, w->y))
        return -1;
    *counted += n;
    if (d->marks && (d->marks->begin.len || w->start))
        return pass_marks(d, place, n, w, counted);
    if (w->start)
        memset(w->start, 0, n * sizeof *w->start);
    return 0;
}
