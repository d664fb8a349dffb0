/*
 * Documents that made some step quadratic, or would: for tests and benchmarks that compare the time
 * per byte of each with that of prose. And tokenizers of several makers' kinds, learnt from prose.
 */
#ifndef FL_TEST_HOSTILE_H
#define FL_TEST_HOSTILE_H

#include <jansson.h>
#include <time.h>
#include <unistd.h>

#include "os/file.h"
#include "os/output.h"
#include "random.h"
#include "data/harmonize.h"
#include "text/tokenizer_write.h"

/* BEGIN, then pieces out of a list divided by '|' in random order, then END. */
struct hostile {
    const char *name, *begin, *pieces, *end;
    bool jsonl;
};

#define HOSTILE_10(x) x x x x x x x x x x
#define HOSTILE_MARKS                                                                              \
    "\xcc\x80|\xcc\xa7|\xcc\xa3|\xcc\xb8|\xcd\x85|\xd6\xb0|\xd9\x90|\xe3\x82\x99|\xe0\xa5\x8d"

static const struct hostile hostile_kinds[] = {
    {"one word of letters", "", "a|b|c|d|e|f|g|h|i|j|k|l|m|n|o|p|q|r|s|t|u|v|w|x|y|z", "", false},
    {"one word of stems", "", "the|ing|er|stat|ion|ma|te|ri|al|un|co|de|en|is|re|ol", "", false},
    {"one letter", "", "a", "", false},
    {"one capital", "", "A", "", false},
    {"capitals and small letters in turn", "", "Aa", "", false},
    {"digits", "", "0|1|2|3|4|5|6|7|8|9", "", false},
    {"punctuation", "", "!|?|.|,|;|:|-|(|)", "", false},
    {"apostrophes", "", "'", "", false},
    {"new words without end", "", "q|w|e|r|t|y|u|i|o|p| |a|s|d|f|g|h|j|k|l", "", false},
    {"words of 39 letters", "",
     HOSTILE_10("tion") "|" HOSTILE_10("ment") "|" HOSTILE_10("able") "| ", "", false},
    {"spaces", "x", " ", "x", false},
    {"spaces before letters", "", "                                                  x", "", false},
    {"line ends", "x", "\n", "x", false},
    {"carriage returns", "x", "\r", "x", false},
    {"white space of every kind", "x", " |\t|\n|\r|\xc2\xa0|\xe3\x80\x80", "x", false},
    {"form feeds", "", "a\f", "", false},
    {"marks in no order", "a", HOSTILE_MARKS, "", false},
    {"marks that are two", "a", "\xe0\xbd\xb3|\xcd\x84", "", false},
    {"characters that become three", "", "\xf0\x9d\x85\xa0", "", false},
    {"parts of syllables", "", "\xe1\x84\x80\xe1\x85\xa1\xe1\x86\xa8|\xe1\x84\x92\xe1\x85\xb5", "",
     false},
    {"ideographs", "", "\xe4\xb8\xad|\xe6\x96\x87|\xe5\xad\x97|\xe6\xbc\xa2|\xe8\xaa\x9e", "",
     false},
    {"pictures", "", "\xf0\x9f\x98\x80|\xf0\x9f\x92\xa9|\xf0\x9f\x8e\x89", "", false},
    {"lower one eighth blocks", "", "\xe2\x96\x81", "", false},
    {"bytes that are no text", "", "\xff|\xe4\xb8|\xc0|a", "", false},
    {"a special token but for its end", "", "<|endoftext|", "", false},
    {"the begin of all added tokens", "", "<|reserved_", "", false},
    {"documents of one letter", "", "{\"text\":\"a\"}\n", "", true},
    {"escapes", "{\"text\":\"", "\\u0301|\\ud83d\\ude00|\\n|\\\\", "\"}\n", true},
    {"halves of characters", "{\"text\":\"", "\\ud800", "\"}\n", true},
    {"NULs", "{\"text\":\"", "\\u0000", "\"}\n", true},
    {"brackets", "",
     "{\"a\":" HOSTILE_10("[[[[[[[[[[") HOSTILE_10("]]]]]]]]]]") ",\"text\":\"b\"}\n", "", true},
    {"keys", "{", "\"text\":\"a\",|\"b\":1,", "\"text\":\"c\"}\n", true},
    {"lines that are cut off", "", "{\"text\":\"a\n", "{\"text\":\"b\"}\n", true},
};

enum { HOSTILE_KINDS = sizeof hostile_kinds / sizeof *hostile_kinds };

static inline void
hostile_make(const struct hostile *h, size_t bytes, struct fl_buf *out)
{
    char piece[64 * 40];
    uint32_t seed = 7;

    fl_buf_clear(out);
    fl_buf_add_text(out, h->begin);
    while (out->len < bytes)
        fl_buf_add(out, piece, random_text(&seed, h->pieces, 8, piece));
    fl_buf_add_text(out, h->end);
}

/* Words of a made-up language whose frequencies fall as Zipf's law says, and punctuation. */
static inline void
hostile_prose(size_t bytes, struct fl_buf *out)
{
    enum { STEMS = 30000 };
    static char stems[STEMS][16];
    static const char *const ends[] = {" ", " ", " ", " ", " ", ", ", ".\n", "'s ", " 12 ", "\n\n"};
    uint32_t seed = 1;

    for (size_t s = 0; s < STEMS; s++) {
        size_t len = 2 + random_next(&seed) % 9;
        for (size_t i = 0; i < len; i++)
            stems[s][i] = "etaoinshrdlucmfwyp"[random_next(&seed) % (s % 7 ? 18 : 8)];
        stems[s][len] = '\0';
    }
    fl_buf_clear(out);
    while (out->len < bytes) {
        uint32_t most = 1 + random_next(&seed) % STEMS; /* a uniform choice below a uniform one */
        fl_buf_add_text(out, stems[random_next(&seed) % most]);
        fl_buf_add_text(out, ends[random_next(&seed) % (sizeof ends / sizeof *ends)]);
    }
}

static struct fl_reading hostile_plain; /* fl_reading_plain */

static inline struct fl_harmonize_settings
hostile_settings(bool jsonl)
{
    if (!hostile_plain.count && fl_reading_plain(&hostile_plain, "text"))
        abort();
    return (struct fl_harmonize_settings){.records = {jsonl ? FL_RECORDS_JSONL : FL_RECORDS_TEXT,
                                                      1 << 20, 2048, true, false, NULL},
                                          .reading = &hostile_plain,
                                          .max_dropped = 1};
}

/* The tokenizer.json of SIZE ids that the text at PATH teaches; json_decref it. */
static inline json_t *
hostile_learn(const char *path, size_t size)
{
    struct fl_harmonize_settings set = hostile_settings(false);
    struct fl_harmonize *h = fl_harmonize_new(&path, 1, &set);
    struct fl_bpe_trained trained = {0};
    struct fl_buf text = {0};
    json_t *json = NULL;

    if (h && !fl_harmonize_learn(h, size, NULL, &trained) &&
        !fl_tokenizer_write(&trained.pieces, trained.merges, trained.count, &text))
        json = json_loadb((char *)text.data, text.len, 0, NULL);
    fl_buf_release(&text);
    fl_bpe_trained_release(&trained);
    fl_harmonize_free(h);
    return json;
}

static const struct {
    const char *name, *regex; /* NULL: GPT-2's, of ByteLevel */
} hostile_makers[] = {
    {"GPT-2", NULL},
    {"Llama 3", "(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\\r\\n\\p{L}\\p{N}]?\\p{L}+|\\p{N}{1,3}| "
                "?[^\\s\\p{L}\\p{N}]+[\\r\\n]*|\\s*[\\r\\n]+|\\s+(?!\\S)|\\s+"},
    {"Mistral",
     "[^\\r\\n\\p{L}\\p{N}]?((?=[\\p{L}])([^a-z]))*((?=[\\p{L}])([^A-Z]))+|[^\\r\\n\\p{L}\\p{N}]?(("
     "?=[\\p{L}])([^a-z]))+((?=[\\p{L}])([^A-Z]))*|\\p{N}| ?[^\\s\\p{L}\\p{N}]+[\\r\\n/]*|\\s*[\\r"
     "\\n]+|\\s+(?!\\S)|\\s+"},
};

enum { HOSTILE_MAKERS = sizeof hostile_makers / sizeof *hostile_makers };

/* LEARNT with that maker's expression, NFC, and two thousand added tokens that begin alike. */
static inline struct fl_tokenizer *
hostile_tokenizer(const json_t *learnt, size_t maker)
{
    json_t *json = json_deep_copy(learnt), *level = json_object_get(json, "pre_tokenizer");
    json_t *added = json_object_get(json, "added_tokens");
    json_int_t id = (json_int_t)json_object_size(
        json_object_get(json_object_get(json, "model"), "vocab"));
    char name[40];

    for (int i = 0; i < 2000; i++) {
        snprintf(name, sizeof name, "<|reserved_token_%d|>", i);
        json_array_append_new(added, json_pack("{sI ss sb sb sb sb sb}", "id", id + i, "content",
                                               name, "single_word", 0, "lstrip", 0, "rstrip", 0,
                                               "normalized", 0, "special", 0));
    }
    if (hostile_makers[maker].regex) {
        json_t *split = json_pack("{ss s{ss} ss sb}", "type", "Split", "pattern", "Regex",
                                  hostile_makers[maker].regex, "behavior", "Isolated", "invert", 0);
        json_object_set_new(level, "use_regex", json_false());
        json_object_set_new(json, "pre_tokenizer",
                            json_pack("{ss s[oO]}", "type", "Sequence", "pretokenizers", split,
                                      level));
        json_object_set_new(json, "normalizer", json_pack("{ss}", "type", "NFC"));
    }
    char *text = json_dumps(json, JSON_COMPACT);
    struct fl_tokenizer *t = text ? fl_tokenizer_parse("hostile", text, strlen(text)) : NULL;
    free(text);
    json_decref(json);
    return t;
}

/*
 * Seconds of this thread for making a shard of CONTENT, which is written to PATH: the least of
 * TIMES. -1 when it fails.
 */
static inline double
hostile_seconds(const struct fl_tokenizer *t, const struct fl_buf *content, const char *path,
                bool jsonl, int times)
{
    struct fl_harmonize_settings set = hostile_settings(jsonl);
    int fd = fl_spool_open();
    double least = -1;

    if (fd < 0 || fl_output_write_file(path, content->data, content->len, 0))
        times = 0;
    for (int i = 0; i < times; i++) {
        struct fl_harmonize *h = fl_harmonize_new(&path, 1, &set);
        struct fl_shard *shard = fl_shard_new(fd, "spool", 0, t, &(struct fl_shard_about){0});
        struct timespec start, end;
        clock_gettime(CLOCK_THREAD_CPUTIME_ID, &start);
        int failed = !h || !shard || fl_harmonize_encode(h, t, shard, NULL);
        clock_gettime(CLOCK_THREAD_CPUTIME_ID, &end);
        double seconds = (double)(end.tv_sec - start.tv_sec) +
                         1e-9 * (double)(end.tv_nsec - start.tv_nsec);
        least = failed ? -1 : i && least < seconds ? least : seconds;
        fl_shard_free(shard);
        fl_harmonize_free(h);
        if (failed || lseek(fd, 0, SEEK_SET))
            break;
    }
    if (fd >= 0)
        close(fd);
    return least;
}

#endif
