/*
 * How bytes and time of a helpers' round grow with the number of sites: 3, 15, 200 and 1,000, over
 * a small model, two helpers. Rows say the exponent that fits best (least squares of the
 * logarithms, from 15 on); only exponents have bounds, loose ones. The helpers and the hub are the library's
 * own; sites are their protocol without their states.
 */
#include <math.h>
#include <sys/resource.h>

#include "masked_upload.h"
#include "sec/header.h"

enum { SIZES = 4, FIRST = 1, ELEMENTS = 3000 };

static const size_t sizes[SIZES] = {3, 15, 200, 1000};

static const char *const whats[] = {"roster, bytes",         "plan, bytes",
                                    "request, bytes",        "helper's state, bytes",
                                    "upload, bytes",         "roster, time to read",
                                    "plan, time to read",    "accept, time of a helper",
                                    "sum and request, time", "request, time to read",
                                    "answer, time",          "opening, time"};

enum { WHATS = sizeof whats / sizeof *whats };

static void
must(int good)
{
    bench_need(!good);
}

static double found[WHATS][SIZES];

struct big { /* a federation of any size */
    char dir[64];
    size_t n;
    struct fl_key **key; /* sites, two helpers, the hub */
    struct fl_roster roster;
    struct fl_plan plan;
    unsigned char model[32];
};

static void
name_of(const struct big *b, size_t i, char name[24])
{
    snprintf(name, 24, i < b->n ? "s%04zu" : i < b->n + 2 ? "h%04zu" : "hub%zu", i);
}

static const char *
path_of(const struct big *b, size_t i, const char *suffix)
{
    static char paths[4][200];
    static int at;
    char name[24];

    at = (at + 1) % 4;
    name_of(b, i, name);
    snprintf(paths[at], sizeof paths[at], "%s/%s%s", b->dir, name, suffix);
    return paths[at];
}

static double
bytes_of(const char *path)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    int64_t size = fl_regular_size(fd);

    close(fd);
    return (double)size;
}

static void
make_keys(struct big *b)
{
    b->key = calloc(b->n + 3, sizeof *b->key);
    for (size_t i = 0; i < b->n + 3; i++) {
        char name[24];
        name_of(b, i, name);
        b->key[i] = fl_key_new(name, 1);
        must(b->key[i] && !fl_key_write(b->key[i], path_of(b, i, ".key")));
    }
}

static void
write_model(struct big *b)
{
    const uint64_t count = ELEMENTS;
    int fd = open(path_of(b, 0, ".model"), O_RDWR | O_CREAT, 0600);
    struct fl_writer *w = fl_writer_new(fd, "model", 0);
    static float values[ELEMENTS];
    struct fl_meta meta = {0};
    struct fl_tensor t;

    fl_writer_want_digest(w);
    fl_tensor_init(&t, "w", FL_F32, 1, &count);
    must(!fl_meta_set_i64(&meta, "round", 0) && !fl_writer_head(w, FL_KIND_MODEL, &meta) &&
         !fl_writer_tensor(w, &t) && !fl_writer_data(w, values, sizeof values) &&
         !fl_writer_done(w));
    fl_writer_digest(w, b->model);
    fl_writer_free(w);
    fl_meta_release(&meta);
    close(fd);
}

static void
make_roster(struct big *b)
{
    struct fl_buf yaml = {0};
    struct fl_roster_conf conf;
    struct fl_line line;
    char model[65];

    fl_hex(model, b->model, 32);
    fl_buf_printf(&yaml, "federation: bench\nepoch: 1\nmodel: %s\nsites:\n", model);
    for (size_t i = 0; i < b->n + 3; i++) {
        fl_key_line(b->key[i], &line);
        if (i == b->n)
            fl_buf_printf(&yaml, "protection: helpers\nhelpers:\n");
        fl_buf_printf(&yaml, i < b->n + 2 ? "  - \"%s\"\n" : "hub: \"%s\"\n", line.text);
    }
    fl_buf_printf(&yaml, "min_sum: %zu\n", b->n < 4 ? b->n : b->n / 2 + 1);
    fl_buf_printf(&yaml, "tensors: [{match: w, protect: mask, bits: 32, clip: 0.5}]\n");
    must(!fl_roster_conf_parse(&conf, fl_buf_text(&yaml), yaml.len, "roster") &&
         !fl_roster_from_conf(&b->roster, &conf));
    fl_roster_conf_release(&conf);
    fl_buf_release(&yaml);
}

/* Party I accepts, by its state. */
static void
accept_it(struct big *b, size_t i)
{
    char dir[200], key[200];

    snprintf(dir, sizeof dir, "%s", path_of(b, i, ".state"));
    snprintf(key, sizeof key, "%s", path_of(b, i, ".key"));
    struct fl_acceptance a = {.dir = dir, .key_path = key, .key = b->key[i], .roster = &b->roster};
    must(!fl_state_accept(&a));
}

static void
make_plan(struct big *b)
{
    struct fl_plan plan = {0};
    struct fl_plan_params p = {.round = 1};

    must(!fl_roster_decode(&plan.roster, b->roster.canonical.data, b->roster.canonical.len));
    plan.last = fl_alloc(b->n + 2, sizeof *plan.last);
    p.model = fl_object_open(path_of(b, 0, ".model"), FL_KIND_MODEL);
    must(p.model && !fl_plan_draft(&plan, &p));
    int fd = open(path_of(b, 0, ".plan"), O_RDWR | O_CREAT, 0600);
    must(!fl_plan_write(&plan, b->key[b->n + 2], fd, 0));
    close(fd);
    fl_object_free(p.model);
    struct fl_state *s = fl_state_open(path_of(b, b->n + 2, ".state"), b->key[b->n + 2]);
    must(s && !fl_state_commit_plan(s, &plan));
    fl_state_free(s);
    fl_plan_release(&plan);
}

/* What fl-aggregate does with the uploads of all, or with the sum and the answers. */
static void
aggregate(struct big *b, bool ask)
{
    char plan[200], request[200], key[200], state[200];

    snprintf(plan, sizeof plan, "%s", path_of(b, 0, ".plan"));
    snprintf(request, sizeof request, "%s", path_of(b, 0, ".request"));
    snprintf(key, sizeof key, "%s", path_of(b, b->n + 2, ".key"));
    snprintf(state, sizeof state, "%s", path_of(b, b->n + 2, ".state"));
    struct fl_masked_settings set = {.plan = plan, .memory = ROUND_MEMORY};
    if (ask) {
        set.request = request;
        set.key = key;
        set.state = state;
    }
    struct fl_output out = FL_OUTPUT_INIT;
    struct fl_masked *m = fl_masked_open(&set);
    must(m != NULL);
    for (size_t i = 0; i < (ask ? b->n : 3); i++) {
        struct fl_reader *in = fl_reader_open(ask      ? path_of(b, i, ".up")
                                              : i == 0 ? path_of(b, 0, ".sum")
                                                       : path_of(b, b->n + i - 1, ".answer"));
        must(in && !fl_masked_add(m, in));
        fl_reader_free(in);
    }
    must(!fl_masked_check(m) && !fl_output_open(&out, path_of(b, 0, ask ? ".sum" : ".mean"), 0) &&
         !fl_masked_write(m, &out));
    fl_output_abort(&out);
    fl_masked_free(m);
}

static void
answer(struct big *b, size_t i, const struct fl_request *request)
{
    char key[200];
    struct fl_output out = FL_OUTPUT_INIT;
    struct fl_answering a = {.key = b->key[i],
                             .plan = &b->plan,
                             .request = request,
                             .key_path = key,
                             .kept = -1};

    snprintf(key, sizeof key, "%s", path_of(b, i, ".key"));
    a.state = fl_state_open(path_of(b, i, ".state"), b->key[i]);
    must(a.state && !fl_answer_check(&a) && a.bad_count == 0 && !fl_answer_make(&a) &&
         !fl_output_open(&out, path_of(b, i, ".answer"), 0) && !fl_answer_send(&a, &out) &&
         !fl_output_commit(&out));
    fl_answer_release(&a);
    fl_state_free(a.state);
}

/* Seconds of this process, waiting for disks apart. */
static double
seconds(void)
{
    struct rusage u;

    getrusage(RUSAGE_SELF, &u);
    return (double)(u.ru_utime.tv_sec + u.ru_stime.tv_sec) +
           1e-6 * (double)(u.ru_utime.tv_usec + u.ru_stime.tv_usec);
}

static void
round_of(size_t at)
{
    struct big b = {.n = sizes[at]};
    struct fl_roster again;
    struct fl_request request;
    char command[100];
    int w = 0;
    double from;

#define TAKE(statement)                                                                            \
    do {                                                                                           \
        from = seconds();                                                                          \
        statement;                                                                                 \
        found[w++][at] = seconds() - from;                                                         \
    } while (0)

    snprintf(b.dir, sizeof b.dir, "/tmp/fl-bench-XXXXXX");
    must(mkdtemp(b.dir) != NULL);
    make_keys(&b);
    write_model(&b);
    make_roster(&b);
    accept_it(&b, b.n + 2);
    w = 7;
    TAKE(accept_it(&b, b.n));
    accept_it(&b, b.n + 1);
    make_plan(&b);
    w = 5;
    TAKE(must(!fl_roster_decode(&again, b.roster.canonical.data, b.roster.canonical.len)));
    fl_roster_release(&again);
    TAKE(must(!fl_plan_read(&b.plan, path_of(&b, 0, ".plan"), NULL)));
    for (size_t i = 0; i < b.n; i++)
        bench_masked_upload(&b.plan, b.key[i], i, path_of(&b, i, ".up"));
    w = 8;
    TAKE(aggregate(&b, true));
    TAKE(must(!fl_request_read(&request, &b.plan, path_of(&b, 0, ".request"), NULL)));
    TAKE(answer(&b, b.n, &request));
    answer(&b, b.n + 1, &request);
    TAKE(aggregate(&b, false));
    found[0][at] = (double)b.roster.canonical.len;
    found[1][at] = bytes_of(path_of(&b, 0, ".plan"));
    found[2][at] = bytes_of(path_of(&b, 0, ".request"));
    found[3][at] = bytes_of(path_of(&b, b.n, ".state/state"));
    found[4][at] = bytes_of(path_of(&b, 0, ".up"));
    fl_request_release(&request);
    fl_plan_release(&b.plan);
    fl_roster_release(&b.roster);
    for (size_t i = 0; i < b.n + 3; i++)
        fl_key_free(b.key[i]);
    free(b.key);
    snprintf(command, sizeof command, "rm -rf %s", b.dir);
    must(!system(command));
}

/* The slope of log(found) over log(n), from FIRST on. */
static double
exponent(const double *y)
{
    double sx = 0, sy = 0, sxx = 0, sxy = 0;
    const int n = SIZES - FIRST;

    for (int i = FIRST; i < SIZES; i++) {
        double x = log((double)sizes[i]), v = log(fmax(y[i], 1e-6));
        sx += x, sy += v, sxx += x * x, sxy += x * v;
    }
    return (n * sxy - sx * sy) / (n * sxx - sx * sx);
}

int
main(void)
{
    int good = 1;

    must(!fl_crypt_init());
    for (size_t at = 0; at < SIZES; at++)
        round_of(at);
    for (int w = 0; w < WHATS; w++) {
        const bool bytes = strstr(whats[w], "bytes") != NULL;
        char what[100];
        for (size_t at = 0; at < SIZES; at++) {
            snprintf(what, sizeof what, "%s, %zu sites", whats[w], sizes[at]);
            bench_tell(what, bytes ? found[w][at] : found[w][at] * 1000, bytes ? "B" : "ms");
        }
        snprintf(what, sizeof what, "%s, exponent", whats[w]);
        good &= bench_at_most(what, exponent(found[w]), "of n", bytes ? 1.1 : 1.4);
    }
    return !good;
}
