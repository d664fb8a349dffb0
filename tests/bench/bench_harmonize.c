/*
 * Reading and cleaning on one core, against programs that do a part of it: jq, six regular
 * expressions of Python, zcat, zstdcat, xzcat, and libcsv. What is not installed is left out. All
 * work on one made-up file of notes; medians of turns, of processor time.
 */
#include <csv.h>
#include <string.h>
#include <unistd.h>

#include "base/buf.h"
#include "bench.h"
#include "data/csv.h"
#include "data/source.h"
#include "os/output.h"

enum { NOTES = 60000, TURNS = 5, LONG = 3 };

static char folder[] = "/tmp/fl-bench-XXXXXX";

/* The median; of fewer turns, where one takes LONG seconds. -1: the command failed. */
static double
seconds_of(const char *command)
{
    char line[700];
    double t[TURNS], sum = 0;
    size_t n = 0;

    snprintf(line, sizeof line, "cd %s && %s >/dev/null 2>&1", folder, command);
    while (n < TURNS && sum < LONG) {
        double start = bench_processor();
        if (system(line))
            return -1;
        t[n] = bench_processor() - start;
        sum += t[n++];
    }
    return bench_median(t, n);
}

/* A row: how many times faster than PEER COMMAND is; nothing where PEER cannot run. */
static int
against(const char *what, const char *command, const char *peer, double least)
{
    double p = seconds_of(peer), c = seconds_of(command);

    return p < 0 || c < 0 || bench_at_least(what, p / c, "times", least);
}

static void
make_notes(struct fl_buf *lines, struct fl_buf *table)
{
    static const char *const words[] = {"the",   "patient",   "sleeps",  "well",        "and",
                                        "has",   "no",        "fever",   "since",       "Monday",
                                        "but",   "takes",     "tablets", "caf\xc3\xa9", "12.5",
                                        "in",    "evening",   "with",    "water",       "Dr. Smith",
                                        "again", "2021-04-03"};
    uint32_t seed = 5;
    char note[2000];

    fl_buf_add_text(table, "id,text,seen\n");
    for (int i = 0; i < NOTES; i++) {
        size_t n = 0, count = 40;
        for (size_t k = 0; k < count; k++) {
            seed = seed * 1664525u + 1013904223u;
            n += (size_t)snprintf(note + n, sizeof note - n, "%s ",
                                  words[(seed >> 16) % (sizeof words / sizeof *words)]);
        }
        if (i % 10 == 0)
            snprintf(note + n, sizeof note - n, "mail a.b%d@example.org or +49 30 1234%03d", i,
                     i % 1000);
        fl_buf_printf(lines, "{\"id\": %d, \"text\": \"%s\", \"seen\": \"2021-04-03\"}\n", i, note);
        fl_buf_printf(table, "%d,\"%s\",2021-04-03\n", i, note);
    }
}

static void
count_field(void *p, size_t len, void *arg)
{
    (void)p;
    *(size_t *)arg += len;
}

static void
count_row(int c, void *arg)
{
    *(size_t *)arg += (size_t)c;
}

static double
by_libcsv(const struct fl_buf *table)
{
    double t[TURNS];

    for (int i = 0; i < TURNS; i++) {
        struct csv_parser p;
        size_t sum = 0;
        double start = bench_processor();
        csv_init(&p, CSV_STRICT);
        csv_parse(&p, table->data, table->len, count_field, count_row, &sum);
        csv_free(&p);
        t[i] = bench_processor() - start;
    }
    return bench_median(t, TURNS);
}

static double
by_ours(const struct fl_buf *table)
{
    const int slots[] = {0, 1, 2};
    struct fl_csv_field fields[3];
    double t[TURNS];

    for (int i = 0; i < TURNS; i++) {
        double start = bench_processor();
        for (size_t at = 0; at < table->len;) {
            struct fl_csv_state s = {0};
            bool ended = fl_csv_row_end(&s, table->data + at, table->len - at, ',');
            if (fl_csv_fields(table->data + at, s.at, ',', slots, 3, fields) != 3)
                exit(1);
            at += s.at + ended;
        }
        t[i] = bench_processor() - start;
    }
    return bench_median(t, TURNS);
}

/* The whole of a packed file, read as harmonizing reads it. */
static double
by_source(const char *name)
{
    static unsigned char piece[256 << 10];
    char path[80];
    double t[TURNS];

    snprintf(path, sizeof path, "%s/%s", folder, name);
    for (int i = 0; i < TURNS; i++) {
        double start = bench_processor();
        struct fl_source *s = fl_source_open(path, NULL);
        ssize_t n = s ? 1 : -1;
        while (n > 0)
            n = fl_source_read(s, piece, sizeof piece);
        bench_need(n);
        fl_source_close(s);
        t[i] = bench_processor() - start;
    }
    return bench_median(t, TURNS);
}

static int
packed(void)
{
    static const struct packer {
        const char *pack, *name, *unpack;
    } packers[] = {{"gzip -k", "n.jsonl.gz", "zcat"},
                   {"zstd -q -k", "n.jsonl.zst", "zstdcat"},
                   {"xz -1 -k", "n.jsonl.xz", "xzcat"}};
    int kept = 1;

    for (size_t i = 0; i < sizeof packers / sizeof *packers; i++) {
        const struct packer *p = &packers[i];
        char command[200], what[100];
        snprintf(command, sizeof command, "cd %s && %s n.jsonl", folder, p->pack);
        if (system(command))
            continue;
        snprintf(command, sizeof command, "%s %s | cat", p->unpack, p->name);
        snprintf(what, sizeof what, "  %s in, against %s to a pipe", p->name, p->unpack);
        kept &= bench_at_least(what, seconds_of(command) / by_source(p->name), "times", 0.9);
    }
    return kept;
}

int
main(void)
{
    static const char contract[] = "contract: bench\nrules: 1\n";
    static const char site[] = "contract: c.yaml\ninputs: [{files: \"*\"}]\n";
    static const char ours[] = "fl-harmonize -j 1 -c s.yaml --text n.jsonl";
    struct fl_buf lines = {0}, table = {0};
    char path[80], regexes[600], here[400];
    int kept = 1;

    make_notes(&lines, &table);
    if (!mkdtemp(folder) || !getcwd(here, sizeof here) ||
        snprintf(path, sizeof path, "%s/c.yaml", folder) < 0 ||
        fl_output_write_file(path, contract, sizeof contract - 1, 0) ||
        snprintf(path, sizeof path, "%s/s.yaml", folder) < 0 ||
        fl_output_write_file(path, site, sizeof site - 1, 0) ||
        snprintf(path, sizeof path, "%s/n.jsonl", folder) < 0 ||
        fl_output_write_file(path, lines.data, lines.len, 0))
        return 1;
    bench_tell("JSON Lines to clean text, identifiers, exact duplicates",
               (double)lines.len / seconds_of(ours) * 1e-6, "MB/s");
    kept &= against("  against jq -c .", ours, "jq -c . n.jsonl", 1.5);
    snprintf(regexes, sizeof regexes, "python3 %s/tests/bench/six_regexes.py <n.jsonl", here);
    double python = seconds_of(regexes);
    if (python > 0)
        bench_tell("  against six regular expressions of Python", python / seconds_of(ours),
                   "times");
    kept &= bench_at_least("rows of a table against libcsv", by_libcsv(&table) / by_ours(&table),
                           "times", 0.8);
    kept &= packed();
    snprintf(path, sizeof path, "rm -rf %s", folder);
    fl_buf_release(&lines);
    fl_buf_release(&table);
    return system(path) || !kept;
}
