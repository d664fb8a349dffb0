/*
 * Near documents: 5,000 seeded edits of passages of our manual pages against all pairs compared lane
 * by lane, and against exact Jaccard; any order and any memory; full buckets; paraphrases.
 */
#include "data/cluster.h"

#include <glob.h>
#include <jansson.h>

#include "../naive/near.h"
#include "base/buf.h"
#include "base/mem.h"
#include "data/shingle.h"
#include "math/random.h"
#include "os/file.h"
#include "test.h"

enum { BASES = 250, EDITS = 20, DOCS = BASES * EDITS, WORDS = 120 };

static struct corpus {
    struct fl_buf text[DOCS];
    uint64_t *shingles[DOCS], hash[DOCS];
    size_t counts[DOCS];
    uint32_t lanes[DOCS][FL_MINHASH_LANES];
    uint32_t naive[DOCS];
} corpus;

/* All words of the pages into WORDS, which point into TEXT. */
static size_t
read_pages(struct fl_buf *text, char **words, size_t most)
{
    glob_t pages;
    size_t count = 0;

    CHECK(!glob("man/*.[157]", 0, NULL, &pages));
    for (size_t i = 0; i < pages.gl_pathc; i++) {
        struct fl_buf page = {0};
        CHECK(!fl_read_file(pages.gl_pathv[i], 1 << 20, &page));
        CHECK(!fl_buf_add(text, page.data, page.len));
        fl_buf_release(&page);
    }
    globfree(&pages);
    for (char *w = strtok((char *)text->data, " \n\t"); w && count < most;
         w = strtok(NULL, " \n\t"))
        words[count++] = w;
    return count;
}

/* Passage BASE with a share of its words left out, replaced or doubled. */
static void
edit(struct fl_buf *out, char **words, size_t count, size_t base, double share, struct fl_random *r)
{
    for (size_t i = 0; i < WORDS; i++) {
        const char *w = words[(base * WORDS + i) % count];
        const char *space = fl_random_unit(r) < .05 ? "\n" : " ";
        if (fl_random_unit(r) < share) {
            switch (fl_random_below(r, 3)) {
            case 0: continue;
            case 1: w = words[fl_random_below(r, count)]; break;
            default: CHECK(!fl_buf_add_text(out, w) && !fl_buf_add_text(out, " "));
            }
        }
        CHECK(!fl_buf_add_text(out, w) && !fl_buf_add_text(out, space));
    }
}

static void
make_corpus(void)
{
    static const double shares[] = {0,   .002, .005, .01, .01, .02, .02, .03, .04, .05,
                                    .06, .08,  .1,   .12, .15, .2,  .25, .3,  .5,  1};
    static char *words[100000];
    struct fl_buf pages = {0};
    struct fl_random r = {11, 0, 0};
    struct fl_shingles s = {0};
    struct fl_minhash m;
    size_t count = read_pages(&pages, words, 100000);

    CHECK(count > BASES * WORDS / 2);
    fl_minhash_init(&m, 99);
    for (size_t i = 0; i < DOCS; i++) {
        edit(&corpus.text[i], words, count, i / EDITS, shares[i % EDITS], &r);
        CHECK(!fl_shingles_make(&s, corpus.text[i].data, corpus.text[i].len, 5, 7));
        CHECK(s.count > 0);
        corpus.shingles[i] = malloc(s.count * sizeof *s.hash);
        memcpy(corpus.shingles[i], s.hash, s.count * sizeof *s.hash);
        corpus.counts[i] = s.count;
        corpus.hash[i] = fl_random_at(12, 0, i);
        fl_minhash(&m, s.hash, s.count, corpus.lanes[i]);
    }
    fl_shingles_release(&s);
    fl_buf_release(&pages);
    naive_near(corpus.lanes[0], corpus.hash, DOCS, 96, corpus.naive);
}

/* Which documents stay in whose place, added in the order of STEP, into KEPT. */
static struct fl_cluster_counts
run(struct fl_cluster_settings set, size_t step, uint32_t *kept)
{
    struct fl_cluster *n = fl_cluster_new(&set);
    struct fl_cluster_counts counts;
    static uint32_t at[DOCS], number[DOCS];

    for (size_t i = 0; i < DOCS; i++) {
        size_t doc = i * step % DOCS;
        at[doc] = (uint32_t)i;
        number[i] = (uint32_t)doc;
        CHECK(!fl_cluster_add(n, corpus.hash[doc], corpus.lanes[doc]));
    }
    CHECK(!fl_cluster_finish(n));
    for (size_t doc = 0; doc < DOCS; doc++)
        kept[doc] = number[fl_cluster_kept(n, at[doc])];
    counts = *fl_cluster_counts(n);
    fl_cluster_free(n);
    return counts;
}

static double
jaccard(size_t a, size_t b)
{
    return naive_jaccard(corpus.shingles[a], corpus.counts[a], corpus.shingles[b],
                         corpus.counts[b]);
}

/* Recall against the twin's, and whether each drop is right. */
static double
compare(const uint32_t *kept)
{
    size_t wanted = 0, found = 0;

    for (size_t i = 0; i < DOCS; i++) {
        wanted += corpus.naive[i] != i;
        found += corpus.naive[i] != i && kept[i] != i;
        if (kept[i] == i)
            continue;
        CHECK(kept[kept[i]] == kept[i]);
        CHECK(fl_minhash_agree(corpus.lanes[i], corpus.lanes[kept[i]]) >= 96);
    }
    CHECK(wanted > DOCS / 5 && wanted < DOCS * 4 / 5);
    return (double)found / (double)wanted;
}

static void
test_all_pairs(void)
{
    static uint32_t kept[DOCS];
    struct fl_cluster_settings set = FL_CLUSTER_SETTINGS;
    struct fl_cluster_counts counts = run(set, 1, kept);
    double recall = compare(kept);

    printf("# dropped %d of %d, recall %.4f, %.1f pairs a document\n", (int)counts.near, DOCS,
           recall, (double)counts.compared / DOCS);
    CHECK(recall >= .99);
    CHECK(counts.documents == DOCS && counts.same == 0 && counts.full == 0);
    set.bands = 5; /* the test sees what fewer bands lose */
    set.rows = 24;
    run(set, 1, kept);
    CHECK(compare(kept) < .9);
}

/* Pairs of one passage at .9 and more are never both kept; at .6 and less neither stands for the other. */
static void
test_exact_jaccard(void)
{
    static uint32_t kept[DOCS];
    size_t above = 0, both = 0, below = 0;

    run((struct fl_cluster_settings)FL_CLUSTER_SETTINGS, 1, kept);
    for (size_t i = 0; i < DOCS; i++) {
        for (size_t k = i + 1; k < (i / EDITS + 1) * EDITS; k++) {
            if (kept[i] != i && kept[k] != k)
                continue;
            if (jaccard(i, k) < .9)
                continue;
            above++;
            both += kept[i] == i && kept[k] == k;
        }
        if (kept[i] != i)
            below += jaccard(i, kept[i]) <= .6;
    }
    printf("# %zu pairs at .9 and above, %zu of them kept both\n", above, both);
    CHECK(above > 500 && both <= above / 100 && !below);
}

static void
test_order_and_memory(void)
{
    static uint32_t first[DOCS], other[DOCS];
    struct fl_cluster_settings set = FL_CLUSTER_SETTINGS;

    run(set, 1, first);
    run(set, 7, other);
    CHECK(!memcmp(first, other, sizeof first));
    set.mem = 0; /* 1 MiB: bands and places are sorted on the disk, lanes read again */
    run(set, 4999, other);
    CHECK(!memcmp(first, other, sizeof first));
}

/* Equal hashes: the first one added stays, or what stands for it; lanes or not. */
static void
test_equal_hashes(void)
{
    struct fl_cluster_settings set = FL_CLUSTER_SETTINGS;

    for (int bands = 0; bands <= 20; bands += 20) {
        set.bands = (unsigned)bands;
        struct fl_cluster *n = fl_cluster_new(&set);
        CHECK(!fl_cluster_add(n, 5, NULL) && !fl_cluster_add(n, 9, corpus.lanes[0]) &&
              !fl_cluster_add(n, 5, NULL) && !fl_cluster_add(n, 9, corpus.lanes[0]) &&
              !fl_cluster_add(n, 1, corpus.lanes[0]) && !fl_cluster_add(n, 2, NULL));
        CHECK(!fl_cluster_finish(n));
        CHECK(fl_cluster_kept(n, 0) == 0 && fl_cluster_kept(n, 2) == 0 &&
              fl_cluster_kept(n, 5) == 5);
        CHECK(fl_cluster_kept(n, 4) == 4);
        CHECK(fl_cluster_kept(n, 1) == (bands ? 4u : 1u) &&
              fl_cluster_kept(n, 3) == (bands ? 4u : 1u));
        CHECK(fl_cluster_counts(n)->same == 2 && fl_cluster_counts(n)->near == (bands ? 1u : 0u));
        fl_cluster_free(n);
    }
    struct fl_cluster *none = fl_cluster_new(&set);
    CHECK(!fl_cluster_finish(none) && fl_cluster_counts(none)->documents == 0);
    fl_cluster_free(none);
}

/* Documents that share one band and little else fill its bucket: 64 are compared with, no more. */
static void
test_full_bucket(void)
{
    enum { MANY = 2000 };
    struct fl_cluster_settings set = FL_CLUSTER_SETTINGS;
    struct fl_cluster *n = fl_cluster_new(&set);
    struct fl_random r = {6, 0, 0};
    uint32_t lanes[FL_MINHASH_LANES];

    for (size_t i = 0; i < MANY; i++) {
        for (size_t l = 0; l < FL_MINHASH_LANES; l++)
            lanes[l] = l < 6 ? 1 : (uint32_t)fl_random_u64(&r);
        CHECK(!fl_cluster_add(n, fl_random_u64(&r), lanes));
    }
    CHECK(!fl_cluster_finish(n));
    const struct fl_cluster_counts *c = fl_cluster_counts(n);
    CHECK(c->full == 1 && c->near == 0);
    CHECK(c->compared == 64 * 63 / 2 + (MANY - 64) * 64);
    fl_cluster_free(n);
}

/* A chain in which each is near the next, and the ends are not near each other: no drift. */
static void
test_chain(void)
{
    struct fl_cluster_settings set = FL_CLUSTER_SETTINGS;
    struct fl_cluster *n = fl_cluster_new(&set);
    uint32_t lanes[FL_MINHASH_LANES] = {0};

    for (size_t i = 0; i < 6; i++) { /* 12 lanes more differ from the first each time */
        CHECK(!fl_cluster_add(n, i, lanes));
        for (size_t l = 0; l < 12; l++)
            lanes[i * 12 + l] = 7;
    }
    CHECK(!fl_cluster_finish(n));
    static const uint32_t want[] = {0, 0, 0, 3, 3, 3}; /* 24 lanes may differ */
    for (uint32_t i = 0; i < 6; i++)
        CHECK(fl_cluster_kept(n, i) == want[i]);
    fl_cluster_free(n);
}

/* Back-translations (Jaccard .07 to .49) are not found, and unlike documents never. */
static void
test_paraphrases(void)
{
    FILE *f = fopen("../shared/data/neardup/docs.jsonl", "r");
    struct fl_cluster_settings set = FL_CLUSTER_SETTINGS;
    struct fl_shingles s = {0};
    struct fl_minhash m;
    char *line = NULL;
    size_t cap = 0;
    uint64_t number = 0;

    if (!f)
        SKIP("../shared/data/neardup is not here");
    struct fl_cluster *n = fl_cluster_new(&set);
    fl_minhash_init(&m, 1);
    while (getline(&line, &cap, f) > 0) {
        json_t *row = json_loads(line, 0, NULL);
        const char *text = json_string_value(json_object_get(row, "text"));
        uint32_t lanes[FL_MINHASH_LANES];
        CHECK(!fl_shingles_make(&s, text, strlen(text), 5, 1) && s.count);
        fl_minhash(&m, s.hash, s.count, lanes);
        CHECK(!fl_cluster_add(n, number++, lanes));
        json_decref(row);
    }
    CHECK(!fl_cluster_finish(n) && number > 40);
    CHECK(fl_cluster_counts(n)->near == 0);
    fl_cluster_free(n);
    fl_shingles_release(&s);
    free(line);
    fclose(f);
}

int
main(void)
{
    RUN(make_corpus);
    RUN(test_all_pairs);
    RUN(test_exact_jaccard);
    RUN(test_order_and_memory);
    RUN(test_equal_hashes);
    RUN(test_full_bucket);
    RUN(test_chain);
    RUN(test_paraphrases);
    for (size_t i = 0; i < DOCS; i++) {
        fl_buf_release(&corpus.text[i]);
        free(corpus.shingles[i]);
    }
    return test_end();
}
