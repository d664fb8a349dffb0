/*
 * Rounds at the hub of 100 to 1,000 sites, plain and masked with two helpers, by the programs that
 * people run: fl-round takes what lies in the inboxes, sums, makes the next model and opens the next
 * round. One site and the helpers are real, and their connections are counted. Updates are small:
 * what grows is what is done beside arithmetic. Rows tell all sizes, and the exponent of the
 * growth (least squares of logarithms).
 */
#include <math.h>
#include <sys/resource.h>
#include <unistd.h>

#include "masked_upload.h"

enum { SIZES = 3, ELEMENTS = 256 };

static const size_t sizes[SIZES] = {100, 300, 1000};

/* "All" is each site as often as the real one, and two helpers as the first. */
static const struct {
    const char *what, *unit;
    double most; /* the exponent's bound; 0: it is only told */
} rows[] = {
    {"hub's turns, processor time", "s", 1.25},
    {"files at the hub", "files", 1.1},
    {"bytes at the hub", "B", 1.1},
    {"names in a site's list", "names", 0.1},
    {"names in the lists of all", "names", 1.1},
    {"a site's list, processor time", "s", 0.3},
    {"connections of a site", "a round", 0.1},
    {"connections of all", "a round", 1.1},
    {"bytes a site fetches", "B", 1.1},
    {"bytes all fetch", "B", 0}, /* each reads the plan, which has the roster: a square */
    {"a helper's turns, processor time", "s", 1.25},
};

enum {
    TURN,
    FILES,
    BYTES,
    NAMES,
    ALL_NAMES,
    LIST_TIME,
    CONNECTIONS,
    ALL_CONNECTIONS,
    FETCHED,
    ALL_FETCHED,
    HELPER,
    WHATS
};

static double found[WHATS][SIZES];

struct hub {
    char dir[64];
    size_t n;
    bool masked;         /* two helpers follow the sites */
    struct fl_key **key; /* sites, helpers, the hub */
    struct fl_roster roster;
    unsigned char model[32];
};

static size_t
parties(const struct hub *h) /* but the hub */
{
    return h->n + (h->masked ? 2 : 0);
}

static void
must(int good)
{
    bench_need(!good);
}

/* Seconds of processors that commands took so far: other work on the machine does not count. */
static double
used(void)
{
    struct rusage r;

    getrusage(RUSAGE_CHILDREN, &r);
    return (double)(r.ru_utime.tv_sec + r.ru_stime.tv_sec) +
           (double)(r.ru_utime.tv_usec + r.ru_stime.tv_usec) / 1e6;
}

/* A command in the folder of H; its number, if it prints one. */
static double
shell(const struct hub *h, const char *format, ...)
{
    char command[2000], words[1800], line[100] = "";
    va_list ap;

    va_start(ap, format);
    vsnprintf(words, sizeof words, format, ap);
    va_end(ap);
    snprintf(command, sizeof command, "cd %s && { %s\n}", h->dir, words);
    FILE *in = popen(command, "r");
    if (in && !fgets(line, sizeof line, in))
        *line = '\0';
    if (!in || pclose(in)) {
        fprintf(stderr, "bench: failed: %s\n", words);
        exit(1);
    }
    return strtod(line, NULL);
}

/* An object of KIND with one tensor of values FIRST, and on, signed by KEY as PARTY, or not. */
static void
write_object(const struct hub *h, const char *path, const char *kind, const struct fl_meta *meta,
             float first, uint32_t party, unsigned char digest[32])
{
    const uint64_t count = ELEMENTS;
    int fd = open(path, O_RDWR | O_CREAT | O_TRUNC, 0600);
    struct fl_writer *w = fl_writer_new(fd, path, 0);
    float values[ELEMENTS];
    struct fl_sign sign;
    struct fl_tensor t;

    for (size_t i = 0; i < ELEMENTS; i++)
        values[i] = first + (float)i * 1e-4F;
    must(fd >= 0 && w);
    fl_writer_want_digest(w);
    fl_tensor_init(&t, "w", FL_F32, 1, &count);
    must(!fl_writer_head(w, kind, meta) && !fl_writer_tensor(w, &t) &&
         !fl_writer_data(w, values, sizeof values) && !fl_writer_done(w));
    fl_writer_digest(w, digest);
    if (!strcmp(kind, FL_KIND_UPDATE)) {
        fl_roster_sign(&h->roster, party, h->key[party], kind, digest, &sign);
        must(!fl_writer_sign(w, &sign));
    }
    fl_writer_free(w);
    close(fd);
}

static void
write_roster(struct hub *h)
{
    struct fl_buf yaml = {0};
    struct fl_line line;
    char path[200], model[65];

    fl_hex(model, h->model, 32);
    fl_buf_printf(&yaml, "federation: bench\nepoch: 1\nprotection: %s\nmodel: %s\n",
                  h->masked ? "helpers" : "none", model);
    fl_buf_printf(&yaml, "tensors: [{match: w, protect: %s}]\nsites:\n",
                  h->masked ? "mask, bits: 32, clip: 0.5" : "plain");
    for (size_t i = 0; i <= parties(h); i++) {
        fl_key_line(h->key[i], &line);
        if (h->masked && i == h->n)
            fl_buf_printf(&yaml, "min_sum: %zu\nhelpers:\n", h->n / 2 + 1);
        fl_buf_printf(&yaml, i < parties(h) ? "  - \"%s\"\n" : "hub: \"%s\"\n", line.text);
    }
    snprintf(path, sizeof path, "%s/roster.yaml", h->dir);
    must(!fl_output_write_file(path, yaml.data, yaml.len, 0) && !fl_roster_read(&h->roster, path));
    fl_buf_release(&yaml);
}

/* The name of party I: s0, s1, ..., h0, h1, hub. */
static void
name_of(const struct hub *h, size_t i, char name[24])
{
    if (i < h->n)
        snprintf(name, 24, "s%zu", i);
    else if (i < parties(h))
        snprintf(name, 24, "h%zu", i - h->n);
    else
        snprintf(name, 24, "hub");
}

/* A real party: it has a key in a file, has accepted the roster, and takes turns. */
static void
make_real(struct hub *h, size_t i)
{
    char dir[240], key[200], name[24];

    name_of(h, i, name);
    snprintf(key, sizeof key, "%s/%s.key", h->dir, name);
    snprintf(dir, sizeof dir, "%s.state", key);
    must(!fl_key_write(h->key[i], key));
    struct fl_acceptance a = {.dir = dir, .key_path = key, .key = h->key[i], .roster = &h->roster};
    must(!fl_state_accept(&a));
    shell(h,
          "printf 'name: %s\nroster: roster.yaml\nkey: %s.key\nwork: work.%s\n%s\n' >%s.yaml && "
          "mkdir -p srv/in/%s",
          name, name, name,
          i == parties(h) ? "root: srv\nrounds: 2"
          : i < h->n      ? "hub: dir:srv\nshards: shards\ntrainer: train"
                          : "hub: dir:srv",
          name, i == parties(h) ? "" : name);
}

/* A gate that counts the requests of each party, in front of the one that there is. */
static void
count_connections(const struct hub *h)
{
    shell(h,
          "mkdir bin && for p in $(dirname $(command -v fl-round))/fl-*; do ln -s $p bin; done && "
          "mv bin/fl-gate bin/gate && printf '#!/bin/sh\necho \"$SSH_ORIGINAL_COMMAND\" "
          ">>%s/calls.\"$1\"\nexec %s/bin/gate \"$@\"\n' >bin/fl-gate && chmod +x bin/fl-gate",
          h->dir, h->dir);
}

/* Keys of all, a model, a roster that the real parties have accepted, their files. */
static void
start(struct hub *h, size_t n, bool masked)
{
    struct fl_meta meta = {0};
    char path[200], name[24];

    *h = (struct hub){.n = n, .masked = masked, .key = calloc(n + 3, sizeof *h->key)};
    snprintf(h->dir, sizeof h->dir, "%s/fl-hub-XXXXXX",
             getenv("TMPDIR") ? getenv("TMPDIR") : "/tmp");
    must(mkdtemp(h->dir) != NULL);
    for (size_t i = 0; i <= parties(h); i++) {
        name_of(h, i, name);
        must((h->key[i] = fl_key_new(name, 1)) != NULL);
    }
    snprintf(path, sizeof path, "%s/model.flt", h->dir);
    must(!fl_meta_set_i64(&meta, "round", 0));
    write_object(h, path, FL_KIND_MODEL, &meta, 0, 0, h->model);
    fl_meta_release(&meta);
    write_roster(h);
    shell(h,
          "mkdir -p srv/pub/model srv/in shards && for i in $(seq 0 %zu); do echo srv/in/s$i; "
          "done | xargs mkdir && cp model.flt srv/pub/model/$(fl-info --digest model.flt | cut -c "
          "1-64).flt && printf '#!/bin/sh\ncp ../s0.update \"$2\"\n' >train && chmod +x train",
          n - 1);
    make_real(h, 0);
    for (size_t i = n; i <= parties(h); i++)
        make_real(h, i);
    count_connections(h);
}

/* The update of site I over the model whose parameters have the digest PARAMS, to PATH. */
static void
write_update(struct hub *h, size_t i, const unsigned char params[32], const char *path)
{
    unsigned char digest[32];
    struct fl_meta meta = {0};
    char name[24];

    name_of(h, i, name);
    must(!fl_meta_set_text(&meta, "site", name) &&
         !fl_meta_set_bytes(&meta, "base", h->model, 32) &&
         !fl_meta_set_bytes(&meta, "base.params", params, 32) &&
         !fl_meta_set_i64(&meta, "base.round", 0) && !fl_meta_set_i64(&meta, "examples", 100));
    write_object(h, path, FL_KIND_UPDATE, &meta, (float)i * 1e-5F, (uint32_t)i, digest);
    fl_meta_release(&meta);
}

/* Uploads of all sites into their inboxes; the update of s0 is what its trainer makes. */
static void
write_uploads(struct hub *h)
{
    struct fl_plan plan;
    unsigned char params[32];
    char path[200];
    struct fl_object *o;

    snprintf(path, sizeof path, "%s/model.flt", h->dir);
    must((o = fl_object_open(path, FL_KIND_MODEL)) && !fl_object_params(o, NULL, params));
    fl_object_free(o);
    snprintf(path, sizeof path, "%s/s0.update", h->dir);
    write_update(h, 0, params, path);
    snprintf(path, sizeof path, "%s/srv/pub/round/0/plan.flt", h->dir);
    must(!fl_plan_read(&plan, path, NULL));
    for (size_t i = 1; i < h->n; i++) {
        snprintf(path, sizeof path, "%s/srv/in/s%zu/0.up.flt", h->dir, i);
        if (h->masked)
            bench_masked_upload(&plan, h->key[i], i, path);
        else
            write_update(h, i, params, path);
    }
    fl_plan_release(&plan);
}

/* A turn of the party NAME; its seconds of processors. */
static double
turn(const struct hub *h, const char *mode, const char *name)
{
    const double began = used();

    shell(h, "PATH=$PWD/bin:$PATH; fl-round %s %s.yaml", mode, name);
    return used() - began;
}

/* Turns of all but the silent sites, until round 0 is closed and followed. */
static void
take_turns(const struct hub *h, size_t k)
{
    turn(h, "site", "s0");
    found[TURN][k] = turn(h, "hub", "hub");
    for (int i = 0; h->masked && i < 2; i++) { /* ready, then the answer */
        found[HELPER][k] += turn(h, "helper", "h0");
        turn(h, "helper", "h1");
        found[TURN][k] += turn(h, "hub", "hub");
    }
    if (shell(h, "cat srv/pub/round/0/closed srv/pub/round/1/plan.flt 2>/dev/null | wc -c") < 1000)
        shell(h, "cat work.*/journal/* | tail -n 20 >&2; false");
    shell(h, "touch work.s0/pause"); /* it follows, and trains no more */
    turn(h, "site", "s0");
    if (h->masked)
        found[HELPER][k] += turn(h, "helper", "h0");
}

static void
measure(size_t k, bool masked)
{
    struct hub h;

    found[HELPER][k] = 0;
    start(&h, sizes[k], masked);
    shell(&h, "fl-round hub hub.yaml");
    write_uploads(&h);
    take_turns(&h, k);
    const double began = used();
    found[NAMES][k] = shell(&h, "SSH_ORIGINAL_COMMAND='ls 0' fl-gate s1 srv | wc -l");
    found[LIST_TIME][k] = used() - began;
    found[FILES][k] = shell(&h, "find srv -type f | wc -l");
    found[BYTES][k] = shell(&h,
                            "find srv -type f -printf '%%s\n' | awk '{ s += $1 } END { print s }'");
    found[CONNECTIONS][k] = shell(&h, "wc -l <calls.s0");
    const double lists = shell(&h, "grep -c ^ls calls.s0"),
                 helper = shell(&h, "cat calls.h0 2>/dev/null | wc -l"),
                 helper_lists = shell(&h, "cat calls.h0 2>/dev/null | grep -c ^ls || :");
    found[ALL_CONNECTIONS][k] = found[CONNECTIONS][k] * (double)h.n + 2 * helper;
    found[ALL_NAMES][k] = found[NAMES][k] * (double)h.n * lists +
                          2 * helper_lists *
                              shell(&h, "SSH_ORIGINAL_COMMAND='ls 0 sums' fl-gate s1 srv | wc -l");
    const char *fetched = "awk -F '\t' '$4 == \"fetch\" { s += $6 } END { print s + 0 }' "
                          "work.%s/journal/*";
    found[FETCHED][k] = shell(&h, fetched, "s0");
    found[ALL_FETCHED][k] = found[FETCHED][k] * (double)h.n +
                            (masked ? 2 * shell(&h, fetched, "h0") : 0);
    shell(&h, "rm -rf \"$PWD\"");
    for (size_t i = 0; i <= parties(&h); i++)
        fl_key_free(h.key[i]);
    free(h.key);
    fl_roster_release(&h.roster);
}

/* The slope of log VALUES over log sizes. */
static double
exponent(const double *values)
{
    double x = 0, y = 0, xx = 0, xy = 0;

    for (size_t k = 0; k < SIZES; k++) {
        double a = log((double)sizes[k]), b = log(values[k] > 0 ? values[k] : 1);
        x += a, y += b, xx += a * a, xy += a * b;
    }
    return (SIZES * xy - x * y) / (SIZES * xx - x * x);
}

int
main(void)
{
    static const char grows[] = "  grows with sites as n^";
    char what[160];
    int good = 1;

    must(!fl_crypt_init());
    for (int masked = 0; masked < 2; masked++) {
        for (size_t k = 0; k < SIZES; k++)
            measure(k, masked);
        for (size_t i = 0; i < WHATS - !masked; i++) {
            snprintf(what, sizeof what, "%s, 1,000 sites: %s (100: %.4g, 300: %.4g)",
                     masked ? "masked" : "plain", rows[i].what, found[i][0], found[i][1]);
            bench_tell(what, found[i][SIZES - 1], rows[i].unit);
            if (rows[i].most > 0)
                good &= bench_at_most(grows, exponent(found[i]), "", rows[i].most);
            else
                bench_tell(grows, exponent(found[i]), "");
        }
    }
    return !good;
}
