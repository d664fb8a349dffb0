/*
 * A batch of records is copied, cut into chunks, worked on by all threads [harmonize_chunk.c] and
 * taken in order [collect]; then the next one is read. When words are counted, a thread owns a part
 * of the table that the hash of a word chooses [run_part], so that nothing is locked.
 */
#include "data/harmonize.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "data/harmonize_state.h"
#include "os/file.h"

/* Documents wait where some of them are left out for others. */
static int
prepare_duplicates(struct fl_harmonize *h)
{
    const struct fl_contract_conf *c = h->set->contract ? &h->set->contract->conf : NULL;

    if (!c || (c->keep_same && !c->near))
        return 0;
    struct fl_cluster_settings near = {.bands = c->near ? (unsigned)c->bands : 0,
                                       .rows = (unsigned)c->rows,
                                       .agree = (unsigned)(c->agree * FL_MINHASH_LANES + 0.999999),
                                       .mem = h->set->mem};
    fl_minhash_init(&h->minhash, 0);
    h->near = fl_cluster_new(&near);
    h->held = h->near ? fl_held_new() : NULL;
    return h->held ? 0 : -1;
}

struct fl_harmonize *
fl_harmonize_new(const char *const *paths, size_t count,
                 const struct fl_harmonize_settings *settings)
{
    struct fl_harmonize *h = fl_alloc(1, sizeof *h);

    if (!h)
        return NULL;
    h->set = settings;
    h->paths = count ? paths : NULL;
    h->lines_fd = -1;
    h->threshold = (uint64_t)(settings->valid * 18446744073709551616.0);
    h->worker_count = fl_pool_threads(settings->pool);
    h->records = fl_records_open(paths, count, &settings->records);
    h->workers = fl_alloc((size_t)h->worker_count, sizeof *h->workers);
    h->chunks = fl_alloc(FL_HARMONIZE_CHUNKS, sizeof *h->chunks);
    if (h->records) {
        h->rows = fl_alloc(fl_records_count(h->records), sizeof *h->rows);
        h->columns = fl_alloc(fl_records_count(h->records), sizeof *h->columns);
    }
    if (!h->workers || !h->chunks || !h->rows || !h->columns) {
        fl_harmonize_free(h);
        return NULL;
    }
    if (prepare_duplicates(h)) {
        fl_harmonize_free(h);
        return NULL;
    }
    return h;
}

void
fl_harmonize_free(struct fl_harmonize *h)
{
    if (!h)
        return;
    for (int i = 0; h->workers && i < h->worker_count; i++) {
        fl_document_release(&h->workers[i].document);
        fl_shingles_release(&h->workers[i].shingles);
        fl_encoder_free(h->workers[i].encoder);
        fl_pretokenizer_scratch_release(&h->workers[i].pretokenizer);
    }
    for (size_t i = 0; h->chunks && i < FL_HARMONIZE_CHUNKS; i++) {
        fl_ids_release(&h->chunks[i].train);
        fl_ids_release(&h->chunks[i].valid);
        fl_buf_release(&h->chunks[i].text);
        fl_buf_release(&h->chunks[i].lines);
        free(h->chunks[i].documents);
        free(h->chunks[i].lanes);
        fl_words_release(&h->chunks[i].words);
    }
    for (size_t i = 0; i < FL_WORD_PARTS; i++)
        fl_words_release(&h->parts[i]);
    for (size_t i = 0; h->columns && i < fl_records_count(h->records); i++)
        fl_columns_release(&h->columns[i]);
    free(h->columns);
    fl_pretokenizer_release(&h->cutter);
    fl_held_free(h->held);
    fl_buf_release(&h->sides);
    fl_cluster_free(h->near);
    fl_sample_release(h);
    fl_records_free(h->records);
    fl_buf_release(&h->arena);
    free(h->batch);
    free(h->workers);
    free(h->chunks);
    free(h->rows);
    free(h);
}

/* The words of all chunks whose hashes fall into one part of the table. */
static void
run_part(void *arg, size_t part, int worker)
{
    struct fl_harmonize *h = arg;
    struct fl_words *to = &h->parts[part];
    int failed = 0;

    (void)worker;
    for (size_t c = 0; c < h->chunk_count && !failed; c++) {
        const struct fl_words *from = &h->chunks[c].words;
        for (size_t i = 0; i < from->count && !failed; i++) {
            const struct fl_words_item *item = &from->items[i];
            if (item->hash >> 60 == part)
                failed = fl_words_add(to, from->blob.data + item->at, item->len, item->hash,
                                      item->count);
        }
    }
    if (!failed)
        failed = fl_words_prune(to, FL_HARMONIZE_WORDS / FL_WORD_PARTS,
                                FL_HARMONIZE_WORD_BYTES / FL_WORD_PARTS);
    if (failed)
        fl_error_save(&h->part_errors[part]);
}

void
fl_harmonize_row_add(struct fl_harmonize_row *to, const struct fl_harmonize_row *more)
{
    fl_document_count(&to->counts, &more->counts);
    if (!to->overlong)
        to->overlong_line = more->overlong_line;
    to->bytes_in += more->bytes_in;
    to->documents += more->documents;
    to->train += more->train;
    to->valid += more->valid;
    to->bytes_out += more->bytes_out;
    to->tokens += more->tokens;
    to->overlong += more->overlong;
    to->taken += more->taken;
    to->same += more->same;
    to->near += more->near;
    to->bom |= more->bom;
    fl_fates_add(&to->fates, &more->fates);
}

/* Let the documents of a chunk wait. */
static int
put_aside(struct fl_harmonize *h, const struct fl_chunk *c)
{
    for (size_t i = 0; i < c->document_count; i++) {
        const struct fl_chunk_document *d = &c->documents[i];
        const struct fl_held_document held = {c->text.data + d->at, d->len, c->file, d->valid,
                                              d->fates};
        if (fl_cluster_add(h->near, d->hash, d->lanes ? c->lanes + i * FL_MINHASH_LANES : NULL) ||
            fl_held_add(h->held, &held) || fl_buf_add_byte(&h->sides, d->valid))
            return -1;
    }
    return 0;
}

static void
tell_unit(const struct fl_harmonize *h)
{
    if (h->passages && h->train)
        fl_shard_passages(h->train);
    if (h->passages && h->valid)
        fl_shard_passages(h->valid);
}

/* Take what the chunks hold, in order. */
static int
collect(struct fl_harmonize *h)
{
    for (size_t i = 0; i < h->chunk_count; i++) {
        struct fl_chunk *c = &h->chunks[i];
        if (c->failed)
            return fl_error_restore(&c->error);
        fl_harmonize_row_add(&h->rows[c->file], &c->row);
        h->passages |= c->row.counts.passages || c->row.counts.cuts;
        if (h->held && !h->deciding) {
            if (put_aside(h, c))
                return -1;
            continue;
        }
        tell_unit(h);
        if (h->train && fl_shard_add(h->train, c->train.data, c->train.len, c->train_bytes))
            return -1;
        if (h->valid && fl_shard_add(h->valid, c->valid.data, c->valid.len, c->valid_bytes))
            return -1;
        if (c->lines.len && fl_write_full(h->lines_fd, h->lines_name, c->lines.data, c->lines.len))
            return -1;
    }
    if (!h->learning || (h->held && !h->deciding))
        return 0;
    fl_pool_run(h->set->pool, FL_WORD_PARTS, run_part, h);
    for (size_t i = 0; i < FL_WORD_PARTS; i++)
        if (h->part_errors[i].status)
            return fl_error_restore(&h->part_errors[i]);
    return 0;
}

static void
show_progress(const struct fl_harmonize *h, bool last)
{
    uint64_t read = h->taken;

    if (!h->set->progress)
        return;
    if (h->checked < fl_records_count(h->records))
        read += fl_records_file(h->records, h->checked)->taken;
    if (last)
        fl_progress_end(h->set->progress, read, NULL);
    else
        fl_progress_show(h->set->progress, read, "%s", "");
}

/* An encoding that nobody named is UTF-8 when hardly a character is wrong. */
static int
check_encoding(const struct fl_harmonize *h, const char *name, const struct fl_harmonize_row *row)
{
    const struct fl_document_counts *c = &row->counts;

    if (!h->set->proved || strcmp(row->encoding, "UTF-8") || c->undecoded * 100 <= c->sequences)
        return 0;
    return fl_error(
        FL_FAILED,
        "%s: is not UTF-8: %llu of %llu characters beyond ASCII are wrong, the first at "
        "byte %llu; the site file names its encoding, like encoding: ISO-8859-1",
        name, (unsigned long long)c->undecoded, (unsigned long long)c->sequences,
        (unsigned long long)c->first_invalid);
}

/* Every byte has one fate. */
static int
check_account(const char *name, const struct fl_harmonize_row *row)
{
    uint64_t sum = fl_fates_sum(&row->fates, FL_FATE_KEPT, FL_FATES - 1);

    if (sum == row->bytes_in)
        return 0;
    return fl_error(FL_FAILED,
                    "%s: %llu of its %llu bytes are accounted for; this is a fault of the program",
                    name, (unsigned long long)sum, (unsigned long long)row->bytes_in);
}

static const char *
order_name(enum fl_date_order order)
{
    static const char *const names[] = {NULL, "dmy", "mdy", "ymd"};

    return names[order];
}

static const char *
needed_field(const struct fl_reading *reading)
{
    for (size_t i = 0; i < reading->count; i++)
        if (reading->fields[i].required)
            return reading->fields[i].source;
    return reading->chat ? reading->messages : "text";
}

/* Complete the rows of files that are done, and look at what was lost of them. */
static int
check_files(struct fl_harmonize *h)
{
    for (; h->checked < fl_records_done(h->records); h->checked++) {
        const struct fl_records_file *file = fl_records_file(h->records, h->checked);
        const char *name = fl_records_name(h->records, h->checked);
        struct fl_harmonize_row *row = &h->rows[h->checked];
        row->bytes_in = file->bytes;
        row->taken = file->taken;
        h->taken += file->taken;
        row->overlong = file->overlong;
        row->overlong_line = file->overlong_line;
        row->bom = file->mark > 0;
        row->encoding = file->encoding;
        row->packing = fl_packing_name(file->packing);
        row->date_order = order_name(h->columns[h->checked].order);
        row->date_proof = h->columns[h->checked].proof;
        row->field = needed_field(fl_harmonize_reading(h, h->checked));
        fl_fates_add(&row->fates, &row->counts.fates);
        row->fates.bytes[FL_FATE_OVERLONG] += file->overlong_bytes;
        row->fates.bytes[FL_FATE_SPACE] += file->between;
        row->fates.bytes[FL_FATE_MARK] += file->mark;
        if (check_account(name, row) || check_encoding(h, name, row) ||
            fl_harmonize_check(h->set, name, row))
            return -1;
    }
    return 0;
}

static int
run_batch(struct fl_harmonize *h)
{
    size_t at = 0;

    for (size_t i = 0; i < h->batch_count; i++) {
        h->batch[i].data = h->arena.data + at;
        at += h->batch[i].len;
    }
    fl_pool_run(h->set->pool, h->chunk_count, fl_chunk_run, h);
    if (collect(h) || check_files(h))
        return -1;
    show_progress(h, false);
    fl_buf_clear(&h->arena);
    h->batch_count = h->chunk_count = 0;
    return 0;
}

/* The names of the columns of a table, before any row of it is worked on. */
static int
take_header(struct fl_harmonize *h, const struct fl_raw_record *record)
{
    struct fl_csv_header header = {0};
    int result = fl_csv_header_read(&header, record->data, record->len, record->divider);

    if (!result)
        result = fl_columns_find(&h->columns[record->file], fl_harmonize_reading(h, record->file),
                                 &header);
    fl_csv_header_release(&header);
    h->rows[record->file].fates.bytes[FL_FATE_UNUSED] += record->len;
    return result ? fl_error_about(fl_records_name(h->records, record->file)) : 0;
}

/* What has to be known of a file before its first record: columns that the site names, dates. */
static int
begin_file(struct fl_harmonize *h, const struct fl_raw_record *record)
{
    struct fl_columns *columns = &h->columns[record->file];
    const struct fl_reading *reading = fl_harmonize_reading(h, record->file);

    h->begun = record->file + 1;
    h->rows[record->file].format = record->format;
    columns->order = reading->order;
    if (!columns->order && fl_harmonize_prove_dates(h, record->file))
        return -1;
    if (record->format != FL_RECORDS_CSV || record->header)
        return 0;
    return fl_columns_find(columns, reading, NULL)
               ? fl_error_about(fl_records_name(h->records, record->file))
               : 0;
}

/* Put a record into the last chunk, or a new one when that is full or of another file. */
static int
add_record(struct fl_harmonize *h, const struct fl_raw_record *record, size_t *chunk_bytes)
{
    size_t n = h->chunk_count;

    if (record->file >= h->begun && begin_file(h, record))
        return -1;
    if (record->header)
        return take_header(h, record);
    if (h->set->sample && fl_sample_offer(h, record))
        return -1;
    if (h->only_sample)
        return 0;
    if (!n || h->chunks[n - 1].file != record->file || *chunk_bytes >= FL_HARMONIZE_CHUNK) {
        if ((n == FL_HARMONIZE_CHUNKS || h->arena.len >= FL_HARMONIZE_BATCH) && run_batch(h))
            return -1;
        struct fl_chunk *c = &h->chunks[h->chunk_count++];
        c->file = record->file;
        c->first = h->batch_count;
        c->count = 0;
        *chunk_bytes = 0;
    }
    struct fl_raw_record *batch = fl_grow(h->batch, h->batch_count, &h->batch_cap, sizeof *batch);
    if (!batch)
        return -1;
    h->batch = batch;
    if (fl_buf_add(&h->arena, record->data, record->len))
        return -1;
    batch[h->batch_count++] = *record;
    h->chunks[h->chunk_count - 1].count++;
    *chunk_bytes += record->len;
    return 0;
}

/* Not one document, though nothing to speak of was lost: or why the lines of JSON gave none. */
static int
no_text(const struct fl_harmonize *h)
{
    const char *name = fl_records_name(h->records, 0);
    size_t files = fl_records_count(h->records);
    uint64_t no_field = 0, malformed = 0;
    const struct fl_malformed_words *words = NULL;

    for (size_t i = 0; i < files; i++) {
        no_field += h->rows[i].counts.no_field;
        malformed += h->rows[i].counts.malformed;
        if (!words && malformed)
            words = fl_malformed_words(h->rows[i].format);
    }
    const char *others = files > 1 ? " in this or any other file" : "";
    if (no_field)
        return fl_error(FL_FAILED,
                        "%s: there is no text%s: %llu lines have none in a field \"%s\"; --field "
                        "NAME names the right one",
                        name, others, (unsigned long long)no_field, h->rows[0].field);
    if (malformed)
        return fl_error(FL_FAILED, "%s: there is no text%s: %llu %s %s; %s", name, others,
                        (unsigned long long)malformed, words->record, words->are, words->cure);
    return fl_error(FL_FAILED, "%s: there is no text%s", name, others);
}

struct content {
    uint64_t bytes, check;
    size_t file;
};

static int
by_content(const void *x, const void *y)
{
    const struct content *a = x, *b = y;

    if (a->bytes != b->bytes)
        return a->bytes < b->bytes ? -1 : 1;
    if (a->check != b->check)
        return a->check < b->check ? -1 : 1;
    return (a->file > b->file) - (a->file < b->file);
}

/* Which files have the bytes of one before. */
static int
find_same(struct fl_harmonize *h)
{
    size_t n = fl_records_count(h->records);
    struct content *all = fl_alloc(n, sizeof *all);

    if (!all)
        return -1;
    for (size_t i = 0; i < n; i++) {
        const struct fl_records_file *file = fl_records_file(h->records, i);
        all[i] = (struct content){file->bytes, file->check, i};
    }
    qsort(all, n, sizeof *all, by_content);
    for (size_t i = 0; i < n; i++) {
        bool same = i && all[i].bytes && all[i].bytes == all[i - 1].bytes &&
                    all[i].check == all[i - 1].check;
        h->rows[all[i].file].same_as = same ? h->rows[all[i - 1].file].same_as : all[i].file;
    }
    free(all);
    return 0;
}

/* The bytes of a document that goes have another fate now. */
static void
leave_out(struct fl_harmonize *h, const struct fl_held_document *d, bool same)
{
    struct fl_harmonize_row *row = &h->rows[d->file];

    for (size_t i = 0; i < FL_FATES; i++)
        row->fates.bytes[i] -= d->fates.bytes[i];
    row->fates.bytes[same ? FL_FATE_SAME : FL_FATE_NEAR] += fl_fates_sum(&d->fates, FL_FATE_KEPT,
                                                                         FL_FATES - 1);
    ++*(same ? &row->same : &row->near);
}

/* Put a document that stays into the last chunk, or a new one. */
static int
take_back(struct fl_harmonize *h, const struct fl_held_document *d)
{
    struct fl_chunk *c = h->chunk_count ? &h->chunks[h->chunk_count - 1] : NULL;

    if (!c || c->file != d->file || c->text.len >= FL_HARMONIZE_CHUNK) {
        if (h->chunk_count == FL_HARMONIZE_CHUNKS) {
            fl_pool_run(h->set->pool, h->chunk_count, fl_chunk_run_held, h);
            if (collect(h))
                return -1;
            h->chunk_count = 0;
        }
        assert(h->chunks);
        c = &h->chunks[h->chunk_count++];
        c->file = d->file;
        c->document_count = 0;
        fl_buf_clear(&c->text);
    }
    struct fl_chunk_document *all = fl_grow(c->documents, c->document_count, &c->document_cap,
                                            sizeof *all);
    if (!all)
        return -1;
    c->documents = all;
    all[c->document_count++] = (struct fl_chunk_document){c->text.len, d->len, d->valid,
                                                          {{0}},       0,      false};
    return fl_buf_add(&c->text, d->text, d->len);
}

/* Which documents stay is known now: use them. */
static int
decide(struct fl_harmonize *h)
{
    struct fl_held_document d;
    uint32_t number = 0;
    int got;

    if (fl_cluster_finish(h->near))
        return -1;
    h->deciding = true;
    h->chunk_count = 0;
    while ((got = fl_held_next(h->held, &d)) == 1) {
        uint32_t kept = fl_cluster_kept(h->near, number);
        bool same = fl_cluster_same(h->near, number);
        const struct fl_contract_conf *c = &h->set->contract->conf;
        bool stays = kept == number || (same ? c->keep_same : c->keep_near);
        if (!c->by) /* near ones that stay are on one side */
            d.valid = h->sides.data[kept];
        number++;
        if (!stays)
            leave_out(h, &d, same);
        else if (take_back(h, &d))
            return -1;
    }
    if (got)
        return -1;
    fl_pool_run(h->set->pool, h->chunk_count, fl_chunk_run_held, h);
    return collect(h);
}

int
fl_harmonize_read(struct fl_harmonize *h)
{
    struct fl_raw_record record;
    size_t chunk_bytes = 0;
    int got;

    while ((got = fl_records_next(h->records, &record)) == 1)
        if (add_record(h, &record, &chunk_bytes))
            return -1;
    return got || h->only_sample ? got : run_batch(h);
}

static int
run_all(struct fl_harmonize *h)
{
    uint64_t documents = 0;

    if (fl_harmonize_read(h) || (h->held && decide(h)))
        return -1;
    show_progress(h, true);
    for (size_t i = 0; i < fl_records_count(h->records); i++)
        documents += h->rows[i].documents;
    return documents ? find_same(h) : no_text(h);
}

int
fl_harmonize_encode(struct fl_harmonize *h, const struct fl_tokenizer *t, struct fl_shard *train,
                    struct fl_shard *valid)
{
    h->tokenizer = t;
    h->train = train;
    h->valid = valid;
    for (int i = 0; i < h->worker_count; i++) {
        h->workers[i].encoder = fl_encoder_new(t);
        if (!h->workers[i].encoder)
            return -1;
    }
    return run_all(h);
}

int
fl_harmonize_write(struct fl_harmonize *h, int fd, const char *name)
{
    h->lines_fd = fd;
    h->lines_name = name;
    return run_all(h);
}

int
fl_harmonize_learn(struct fl_harmonize *h, size_t size, struct fl_progress *progress,
                   struct fl_bpe_trained *result)
{
    h->learning = true;
    if (fl_pretokenizer_init_gpt2(&h->cutter))
        return -1;
    for (int i = 0; i < h->worker_count; i++)
        if (fl_pretokenizer_scratch_init(&h->workers[i].pretokenizer, &h->cutter))
            return -1;
    if (run_all(h))
        return -1;
    if (progress)
        fl_progress_start(progress, "learning", "tokens", size);
    return fl_bpe_train(h->parts, FL_WORD_PARTS, size, progress, result);
}

size_t
fl_harmonize_count(const struct fl_harmonize *h)
{
    return fl_records_count(h->records);
}

const char *
fl_harmonize_name(const struct fl_harmonize *h, size_t file)
{
    return fl_records_name(h->records, file);
}

const struct fl_harmonize_row *
fl_harmonize_row(const struct fl_harmonize *h, size_t file)
{
    return &h->rows[file];
}

const struct fl_harmonize_settings *
fl_harmonize_set(const struct fl_harmonize *h)
{
    return h->set;
}
