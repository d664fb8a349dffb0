/*
 * Any bytes as an upload or a sum that arrives, in a round of helpers and in a pairwise one, as
 * they are and signed again: refused with an error, or the sum of it is gathered again to the same
 * sites.
 */
#include "fuzz_round.h"

static struct federation fed[2];
static struct round rounds[2];                    /* helpers, pairwise */
static struct fl_lane_sum *all_sums[2], *none[2]; /* of all inputs: numbers say nothing here */
static int from, again, sum;

int
LLVMFuzzerInitialize(int *argc, char ***argv)
{
    static const char *const seeds[] = {"up/a.flt", "up/b.flt", "part.flt"};
    char name[40];

    (void)argc;
    (void)argv;
    fuzz_start();
    for (int p = 0; p < 2; p++) {
        struct fl_masked_settings set = {.partial = true};
        fuzz_round(&rounds[p], &fed[p], 4, p ? FUZZ_TENSORS : FUZZ_HELPERS);
        must(!round_masked(&rounds[p], &set, ROUND_FILES("up/a.flt", "up/c.flt"), "part.flt"));
        for (size_t i = 0; i < 3; i++) {
            snprintf(name, sizeof name, "%d-%zu", p, i);
            fuzz_seed(&rounds[p], seeds[i], name);
        }
    }
    for (int p = 0; p < 2; p++) {
        all_sums[p] = fl_lane_sum_new(&rounds[p].plan, 1 << 24, NULL);
        none[p] = fl_lane_sum_inspector(&rounds[p].plan, NULL);
        must(all_sums[p] && none[p]);
    }
    fuzz_drop(&fed[0]);
    fuzz_seeded(&fed[1]);
    from = fl_spool_open();
    again = fl_spool_open();
    sum = fl_spool_open();
    return from < 0 || again < 0 || sum < 0;
}

static int
gather(struct fl_gather *g, struct fl_lane_sum *sums, const struct fl_plan *plan, int fd)
{
    struct fl_reader *in = fuzz_reader(fd);

    must(!fl_gather_start(g, plan, sums, NULL));
    int failed = fl_gather_add(g, in);
    fl_reader_free(in);
    must(!failed || (*fl_error_text() && fl_error_status() != FL_USAGE));
    return failed;
}

/* What was gathered, as a sum, is gathered again to the same sites. */
static void
check_sum(const struct fl_gather *g, int p)
{
    struct fl_gather back = {0};

    must(!ftruncate(sum, 0) && lseek(sum, 0, SEEK_SET) == 0);
    struct fl_writer *w = fl_writer_new(sum, "sum", 0);
    must(w && !fl_gather_write_sum(g, w));
    fl_writer_free(w);
    must(!gather(&back, none[p], g->plan, sum) && back.members.count == g->members.count &&
         !memcmp(back.members.sites, g->members.sites, 4 * g->members.count));
    fl_gather_release(&back);
}

static void
arrive(int p, int fd)
{
    const struct fl_plan *plan = &rounds[p].plan;
    struct fl_gather g = {0};
    struct fl_buf names = {0};

    fl_error_clear();
    if (!gather(&g, all_sums[p], plan, fd)) {
        must(g.members.count + (size_t)fl_gather_missing(&g, &names) == plan->roster.n);
        must(fl_gather_whole(&g) || g.members.count == plan->roster.n);
        /* helpers: a sum needs an upload, an answer alone is none */
        if (g.members.count)
            check_sum(&g, p);
    }
    fl_buf_release(&names);
    fl_gather_release(&g);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    fuzz_input(data, size, from);
    for (int p = 0; p < 2; p++)
        arrive(p, from);
    struct fuzz_message *m = fuzz_take(from);
    if (!m)
        return 0;
    for (int p = 0; p < 2; p++) {
        fuzz_write(m, &fed[p], &rounds[p].plan.roster, again);
        arrive(p, again);
    }
    fuzz_release(m);
    return 0;
}
