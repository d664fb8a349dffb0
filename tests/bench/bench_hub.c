/*
 * A round at the hub of 125 to 1,000 sites, by the programs that people run: fl-round takes what lies
 * in the inboxes, sums, makes the next model and opens the next round; one site is real, and its
 * connections are counted. Rounds are plain, updates small: what grows is what the hub does beside
 * arithmetic. Rows tell the last size, and the exponent of the growth (least squares of logarithms).
 */
#include <math.h>
#include <sys/resource.h>
#include <unistd.h>

#include "../unit/round.h"
#include "bench.h"

enum { SIZES = 4, ELEMENTS = 256 };

static const size_t sizes[SIZES] = {125, 250, 500, 1000};

static const struct {
    const char *what, *unit;
    double most; /* the exponent's bound */
} rows[] = {
    {"hub's turn, processor time", "s", 1.25},
    {"files at the hub", "files", 1.1},
    {"bytes at the hub", "B", 1.1},
    {"a site's list", "B", 1.1},
    {"a site's list, processor time", "s", 1.25},
    {"connections of a site", "a round", 0.1},
    {"bytes a site fetches", "B", 1.1},
};

enum { TURN, FILES, BYTES, LIST, LIST_TIME, CONNECTIONS, FETCHED, WHATS };

static double found[WHATS][SIZES];

struct hub {
    char dir[64];
    size_t n;
    struct fl_key **key; /* sites, then the hub */
    struct fl_roster roster;
    unsigned char model[32];
};

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
    fl_buf_printf(&yaml, "federation: bench\nepoch: 1\nprotection: none\nmodel: %s\n", model);
    fl_buf_printf(&yaml, "tensors: [{match: w, protect: plain}]\nsites:\n");
    for (size_t i = 0; i <= h->n; i++) {
        fl_key_line(h->key[i], &line);
        fl_buf_printf(&yaml, i < h->n ? "  - \"%s\"\n" : "hub: \"%s\"\n", line.text);
    }
    snprintf(path, sizeof path, "%s/roster.yaml", h->dir);
    must(!fl_output_write_file(path, yaml.data, yaml.len, 0) && !fl_roster_read(&h->roster, path));
    fl_buf_release(&yaml);
}

static void
accept_it(struct hub *h, size_t i, const char *name)
{
    char dir[240], key[200];

    snprintf(key, sizeof key, "%s/%s.key", h->dir, name);
    snprintf(dir, sizeof dir, "%s.state", key);
    must(!fl_key_write(h->key[i], key));
    struct fl_acceptance a = {.dir = dir, .key_path = key, .key = h->key[i], .roster = &h->roster};
    must(!fl_state_accept(&a));
}

/* Keys of all, a model, a roster that the hub and the site s0 have accepted, their files. */
static void
start(struct hub *h, size_t n)
{
    struct fl_meta meta = {0};
    char path[200], name[24];

    *h = (struct hub){.n = n, .key = calloc(n + 1, sizeof *h->key)};
    snprintf(h->dir, sizeof h->dir, "%s/fl-hub-XXXXXX",
             getenv("TMPDIR") ? getenv("TMPDIR") : "/tmp");
    must(mkdtemp(h->dir) != NULL);
    for (size_t i = 0; i <= n; i++) {
        snprintf(name, sizeof name, i < n ? "s%zu" : "hub", i);
        must((h->key[i] = fl_key_new(name, 1)) != NULL);
    }
    snprintf(path, sizeof path, "%s/model.flt", h->dir);
    must(!fl_meta_set_i64(&meta, "round", 0));
    write_object(h, path, FL_KIND_MODEL, &meta, 0, 0, h->model);
    fl_meta_release(&meta);
    write_roster(h);
    accept_it(h, n, "hub");
    accept_it(h, 0, "s0");
    shell(
        h,
        "mkdir -p srv/pub/model srv/in shards bin && for i in $(seq 0 %zu); do echo srv/in/s$i; "
        "done | xargs mkdir && cp model.flt srv/pub/model/$(fl-info --digest model.flt | cut -c "
        "1-64).flt && printf 'name: hub\\nroot: srv\\nroster: roster.yaml\\nkey: hub.key\\nwork: "
        "work.hub\\nrounds: 2\\n' >hub.yaml && printf 'name: s0\\nhub: dir:srv\\nroster: "
        "roster.yaml\\nkey: s0.key\\nwork: work.s0\\nshards: shards\\ntrainer: train\\n' >s0.yaml",
        n - 1);
    shell(h,
          "printf '#!/bin/sh\\ncp ../s0.update \"$2\"\\n' >train && chmod +x train && for p in "
          "$(dirname $(command -v fl-round))/fl-*; do ln -s $p bin; done && mv bin/fl-gate "
          "bin/gate && printf '#!/bin/sh\\necho \"$SSH_ORIGINAL_COMMAND\" >>%s/calls\\n"
          "exec %s/bin/gate \"$@\"\\n' >bin/fl-gate && chmod +x bin/fl-gate",
          h->dir, h->dir);
}

/* Updates of all sites into their inboxes; that of s0 is what its trainer makes. */
static void
write_updates(struct hub *h)
{
    unsigned char digest[32], params[32];
    char path[200], name[24];
    struct fl_object *o;

    snprintf(path, sizeof path, "%s/model.flt", h->dir);
    must((o = fl_object_open(path, FL_KIND_MODEL)) && !fl_object_params(o, NULL, params));
    fl_object_free(o);
    for (size_t i = 0; i < h->n; i++) {
        struct fl_meta meta = {0};
        snprintf(name, sizeof name, "s%zu", i);
        must(!fl_meta_set_text(&meta, "site", name) &&
             !fl_meta_set_bytes(&meta, "base", h->model, 32) &&
             !fl_meta_set_bytes(&meta, "base.params", params, 32) &&
             !fl_meta_set_i64(&meta, "base.round", 0));
        if (i)
            snprintf(path, sizeof path, "%s/srv/in/%s/0.up.flt", h->dir, name);
        else
            snprintf(path, sizeof path, "%s/s0.update", h->dir);
        write_object(h, path, FL_KIND_UPDATE, &meta, (float)i * 1e-3F, (uint32_t)i, digest);
        fl_meta_release(&meta);
    }
}

static void
measure(size_t k)
{
    struct hub h;

    start(&h, sizes[k]);
    shell(&h, "fl-round hub hub.yaml");
    write_updates(&h);
    shell(&h, "bin/fl-round site s0.yaml");
    double began = used();
    shell(&h, "fl-round hub hub.yaml");
    found[TURN][k] = used() - began;
    if (shell(&h, "cat srv/pub/round/0/closed srv/pub/round/1/plan.flt 2>/dev/null | wc -c") < 1000)
        shell(&h, "cat work.hub/journal/* | tail -n 3 >&2; false");
    began = used();
    found[LIST][k] = shell(&h, "SSH_ORIGINAL_COMMAND=ls fl-gate s1 srv | wc -c");
    found[LIST_TIME][k] = used() - began;
    shell(&h,
          "touch work.s0/pause && bin/fl-round site s0.yaml"); /* it follows, and trains no more */
    found[FILES][k] = shell(&h, "find srv -type f | wc -l");
    found[BYTES][k] =
        shell(&h, "find srv -type f -printf '%%s\\n' | awk '{ s += $1 } END { print s }'");
    found[CONNECTIONS][k] = shell(&h, "wc -l <calls");
    found[FETCHED][k] =
        shell(&h,
              "awk -F '\\t' '$4 == \"fetch\" { s += $6 } END { print s + 0 }' work.s0/journal/*");
    shell(&h, "rm -rf \"$PWD\"");
    for (size_t i = 0; i <= h.n; i++)
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
    char what[100];
    int good = 1;

    must(!fl_crypt_init());
    for (size_t k = 0; k < SIZES; k++)
        measure(k);
    for (size_t i = 0; i < WHATS; i++) {
        snprintf(what, sizeof what, "1,000 sites: %s", rows[i].what);
        bench_tell(what, found[i][SIZES - 1], rows[i].unit);
        snprintf(what, sizeof what, "  grows with sites as n^");
        good &= bench_at_most(what, exponent(found[i]), "", rows[i].most);
    }
    return !good;
}
