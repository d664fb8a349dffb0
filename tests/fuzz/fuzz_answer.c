/*
 * Any bytes as what a helper sends: an answer beside the sum that it is for, or whether it is
 * ready, or what it opened; as they are and signed again. Refused with an error, or the sum is
 * looked at and opens to a mean or does not; a head that is accepted is written again to the same
 * metadata.
 */
#include "fed/opened.h"
#include "flt/rebuild.h"
#include "fuzz_round.h"

static struct federation fed;
static struct round first;
static int from, again, mean, sum, other; /* SUM; OTHER: the answer of b */

static int
open_file(const char *file)
{
    int fd = open(round_path(&first, file), O_RDONLY | O_CLOEXEC);

    must(fd >= 0);
    return fd;
}

/* What aux says that it opened. */
static void
write_opened(void)
{
    struct fl_opened_head h = {.party = fl_roster_find_key(&first.plan.roster,
                                                           fed.key[FED_AUX]->public) >= 0
                                            ? (uint32_t)fl_roster_find_key(&first.plan.roster,
                                                                           fed.key[FED_AUX]->public)
                                            : 0,
                               .distance = 1.5};
    struct fl_meta meta = {0};
    struct fl_sign sign;
    unsigned char digest[32];
    int fd = open(round_path(&first, "opened.flt"), O_RDWR | O_CREAT, 0600);
    struct fl_writer *w = fl_writer_new(fd, "opened", 0);

    fl_writer_want_digest(w);
    must(!fl_opened_head_encode(&h, &first.plan, &meta) &&
         !fl_writer_head(w, FL_KIND_OPENED, &meta) && !fl_writer_done(w));
    fl_writer_digest(w, digest);
    fl_roster_sign(&first.plan.roster, h.party, fed.key[FED_AUX], FL_KIND_OPENED, digest, &sign);
    must(!fl_writer_sign(w, &sign));
    fl_writer_free(w);
    fl_meta_release(&meta);
    close(fd);
}

static void
write_ready(void)
{
    struct fl_ready_head h = {.party = 1, .bad = (const int64_t[]){0, 3}, .bad_count = 2};
    struct fl_meta meta = {0};
    int fd = open(round_path(&first, "ready.flt"), O_RDWR | O_CREAT, 0600);
    struct fl_writer *w = fl_writer_new(fd, "ready", 0);

    must(!fl_ready_head_encode(&h, &first.plan, &meta) &&
         !fl_writer_head(w, FL_KIND_READY, &meta) && !fl_writer_done(w));
    fl_writer_free(w);
    fl_meta_release(&meta);
    close(fd);
}

int
LLVMFuzzerInitialize(int *argc, char ***argv)
{
    (void)argc;
    (void)argv;
    fuzz_start();
    fuzz_round(&first, &fed, 4, FUZZ_HELPERS);
    must(!round_ask(&first, "acd", false));
    round_answers(&first);
    write_opened();
    write_ready();
    fuzz_seed(&first, "answer/aux.flt", "answer");
    fuzz_seed(&first, "opened.flt", "opened");
    fuzz_seed(&first, "ready.flt", "ready");
    sum = open_file("sum.flt");
    other = open_file("answer/b.flt");
    fuzz_seeded(&fed);
    from = fl_spool_open();
    again = fl_spool_open();
    mean = fl_spool_open();
    return from < 0 || again < 0 || mean < 0;
}

static int
add(struct fl_gather *g, int fd)
{
    struct fl_reader *in = fuzz_reader(fd);
    int failed = fl_gather_add(g, in);

    fl_reader_free(in);
    return failed;
}

/* Without sums, whose memory costs the most: may it be added at all? */
static bool
fits(int fd)
{
    struct fl_lane_sum *none = fl_lane_sum_inspector(&first.plan, NULL);
    struct fl_gather g = {0};

    must(none && !fl_gather_start(&g, &first.plan, none, NULL));
    bool good = !add(&g, fd);
    fl_gather_release(&g);
    fl_lane_sum_free(none);
    return good;
}

static void
answer(int fd)
{
    fl_error_clear();
    if (!fits(fd)) {
        must(*fl_error_text() && fl_error_status() != FL_USAGE);
        return;
    }
    struct fl_lane_sum *sums = fl_lane_sum_new(&first.plan, 1 << 20, NULL);
    struct fl_gather g = {0};
    must(sums && !fl_gather_start(&g, &first.plan, sums, NULL) && !add(&g, sum) && !add(&g, other));
    fl_error_clear();
    int failed = add(&g, fd) || fl_gather_whole(&g) ||
                 fl_opened_check(&first.plan, sums, &g.members);
    must(!failed || (*fl_error_text() && fl_error_status() != FL_USAGE));
    if (!failed) {
        must(!ftruncate(mean, 0) && lseek(mean, 0, SEEK_SET) == 0);
        struct fl_writer *w = fl_writer_new(mean, "mean", 0);
        must(w && !fl_opened_write(&first.plan, sums, &g.members, w));
        fl_writer_free(w);
    }
    fl_gather_release(&g);
    fl_lane_sum_free(sums);
}

static void
must_be_same(const struct fl_head *head, struct fl_meta *meta)
{
    struct fl_buf x = {0}, y = {0};

    must(!fl_head_body(head->kind, &head->meta, &x) && !fl_head_body(head->kind, meta, &y));
    must(x.len == y.len && !memcmp(x.data, y.data, x.len));
    fl_buf_release(&x);
    fl_buf_release(&y);
    fl_meta_release(meta);
}

static void
heads(int fd)
{
    const struct fl_plan *plan = &first.plan;
    struct fl_reader *in = fuzz_reader(fd);
    const struct fl_head *head;
    struct fl_ready_head is_ready;
    struct fl_opened_head opened;
    struct fl_answer_head reply;
    struct fl_meta meta = {0};

    if (fl_reader_object(in, &head) == 1) {
        fl_error_clear();
        if (!fl_ready_head_decode(&is_ready, plan, &head->meta))
            must(!fl_ready_head_encode(&is_ready, plan, &meta));
        else if (!fl_opened_head_decode(&opened, plan, &head->meta))
            must(!fl_opened_head_encode(&opened, plan, &meta));
        else if (!fl_answer_head_decode(&reply, plan, &head->meta))
            must(!fl_answer_head_encode(&reply, plan, &meta));
        else
            must(*fl_error_text() && fl_error_status() != FL_USAGE);
        if (meta.count)
            must_be_same(head, &meta);
    }
    fl_reader_free(in);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    fuzz_input(data, size, from);
    answer(from);
    heads(from);
    struct fuzz_message *m = fuzz_take(from);
    if (!m)
        return 0;
    fuzz_write(m, &fed, &first.plan.roster, again);
    answer(again);
    fuzz_release(m);
    return 0;
}
