/* Text files and JSON Lines to a token shard, or to the vocabulary that a federation shares. */
#include <string.h>
#include <sys/stat.h>

#include "base/choice.h"
#include "cli/program.h"
#include "cli/report.h"
#include "os/output.h"
#include "data/harmonize.h"

#define FORMATS "auto|text|jsonl|csv|tsv" /* in the order of enum fl_records_format */

static struct {
    const char *tokenizer, *format, *field, *invalid, *valid_output, *card;
    int64_t train;
    uint64_t passage, max;
    double valid, max_dropped;
    bool train_given, valid_given;
} opt = {.format = "auto",
         .field = "text",
         .invalid = "replace",
         .passage = 2048,
         .max = 1 << 20,
         .max_dropped = 0.1};

static const struct fl_option options[] = {
    FL_OPT_INPUT('t', "tokenizer", "MODEL|TOKENIZER", "make tokens with this vocabulary",
                 &opt.tokenizer),
    FL_OPT_I64(0, "train-tokenizer", "SIZE", FL_BYTE_VOCAB, FL_VOCAB_MAX,
               "learn a vocabulary of SIZE tokens instead, and write the tokenizer", &opt.train,
               .given = &opt.train_given),
    FL_OPT_CHOICE(0, "format", "FORMAT", FORMATS,
                  "of the records; auto goes by .jsonl, .ndjson, .csv, .tsv", &opt.format),
    FL_OPT_TEXT(0, "field", "NAME",
                "the field of JSON lines, or the column, that is text (default text)", &opt.field),
    FL_OPT_SIZE(0, "passage", "BYTES", 0, 1 << 30,
                "plain text: a blank line ends a document of this size (default 2k; 0: never)",
                &opt.passage),
    FL_OPT_SIZE(0, "max-document", "BYTES", 1024, 1 << 28, "cut longer documents (default 1M)",
                &opt.max),
    FL_OPT_CHOICE(0, "invalid", "WHAT", "replace|refuse",
                  "what is not UTF-8 becomes U+FFFD, or ends the run (default replace)",
                  &opt.invalid),
    FL_OPT_F64(0, "max-dropped", "SHARE", 0, 1,
               "end when more of a file's bytes are dropped or replaced (default 0.1)",
               &opt.max_dropped),
    FL_OPT_F64(0, "valid", "FRACTION", 0.000001, 0.999999,
               "put this part of the documents aside for validation", &opt.valid,
               .given = &opt.valid_given),
    FL_OPT_OUTPUT(0, "valid-output", "FILE", "the shard of the validation documents",
                  &opt.valid_output),
    FL_OPT_OUTPUT(0, "card", "FILE",
                  "report what was read, dropped, cut and replaced, for each file", &opt.card),
    FL_OPT_END,
};

enum { SHARD, VALID, CARD, OUTPUTS };

static int
check_options(void)
{
    if (!opt.tokenizer && !opt.train_given)
        return fl_error(
            FL_USAGE,
            "-t MODEL|TOKENIZER is missing; --train-tokenizer SIZE would make a tokenizer");
    if (opt.tokenizer && opt.train_given)
        return fl_error(FL_USAGE, "-t and --train-tokenizer exclude each other");
    if (opt.valid_output && !opt.valid_given)
        return fl_error(FL_USAGE, "--valid-output needs --valid FRACTION");
    if (opt.valid_given && !opt.valid_output && opt.tokenizer)
        return fl_error(FL_USAGE, "--valid needs --valid-output FILE");
    if (opt.valid_output && opt.train_given)
        return fl_error(
            FL_USAGE,
            "--valid-output needs -t; with --train-tokenizer the validation side is left out only");
    return 0;
}

static int
open_outputs(const struct fl_cli *cli, struct fl_output out[OUTPUTS])
{
    if (fl_output_open(&out[SHARD], cli->output, FL_OUTPUT_BINARY) ||
        (opt.valid_output && fl_output_open(&out[VALID], opt.valid_output, FL_OUTPUT_BINARY)) ||
        (opt.card && fl_output_open(&out[CARD], opt.card, 0)))
        return -1;
    return 0;
}

/* All of them are on disk before the first gets its name. */
static int
commit_outputs(struct fl_output out[OUTPUTS])
{
    for (int i = 0; i < OUTPUTS; i++)
        if (out[i].fd >= 0 && fl_output_flush(&out[i]))
            return -1;
    for (int i = 0; i < OUTPUTS; i++)
        if (out[i].fd >= 0 && fl_output_commit(&out[i]))
            return -1;
    return 0;
}

static int
make_shards(struct fl_cli *cli, struct fl_harmonize *h, const struct fl_tokenizer *t,
            struct fl_output out[OUTPUTS])
{
    struct fl_shard *train = fl_shard_new(out[SHARD].fd, out[SHARD].name, cli->level, t, 0);
    struct fl_shard *valid = NULL;
    int result = -1;

    if (train && opt.valid_output)
        valid = fl_shard_new(out[VALID].fd, out[VALID].name, cli->level, t, opt.valid);
    if (train && (valid || !opt.valid_output) && !fl_harmonize_encode(h, t, train, valid) &&
        !fl_shard_done(train) && (!valid || !fl_shard_done(valid)))
        result = 0;
    fl_shard_free(train);
    fl_shard_free(valid);
    return result;
}

static int
write_tokenizer(const struct fl_cli *cli, const struct fl_bpe_trained *trained,
                struct fl_output *out)
{
    struct fl_writer *w = fl_writer_new(out->fd, out->name, cli->level);
    int result = w ? fl_tokenizer_write_stream(&trained->pieces, trained->merges, trained->count, w)
                   : -1;

    fl_writer_free(w);
    return result;
}

static int
learn(struct fl_cli *cli, struct fl_harmonize *h, struct fl_output *out)
{
    struct fl_bpe_trained trained = {0};
    struct fl_progress progress;

    if (fl_harmonize_learn(h, (size_t)opt.train, &progress, &trained))
        return -1;
    fl_progress_end(&progress, trained.pieces.ids, NULL);
    if (trained.pieces.ids < (size_t)opt.train)
        fl_warn(cli, "the text gives %zu tokens only, not %lld: no pair stands twice in it",
                trained.pieces.ids, (long long)opt.train);
    int result = write_tokenizer(cli, &trained, out);
    fl_bpe_trained_release(&trained);
    return result;
}

static void
warn(void *cli, const char *sentence)
{
    fl_warn(cli, "%s", sentence);
}

static int
write_card(const struct fl_cli *cli, const struct fl_harmonize *h, struct fl_output *out)
{
    struct fl_report report;

    fl_harmonize_card(h, cli->json, &report);
    return fl_report_end(&report, out->fd, out->name);
}

static int
harmonize(struct fl_cli *cli, struct fl_harmonize *h, const struct fl_tokenizer *t)
{
    struct fl_output out[OUTPUTS] = {FL_OUTPUT_INIT, FL_OUTPUT_INIT, FL_OUTPUT_INIT};
    uint64_t valid = 0;

    if (open_outputs(cli, out) || (t ? make_shards(cli, h, t, out) : learn(cli, h, &out[SHARD])) ||
        (opt.card && write_card(cli, h, &out[CARD])) || commit_outputs(out)) {
        for (int i = 0; i < OUTPUTS; i++)
            fl_output_abort(&out[i]);
        return -1;
    }
    fl_harmonize_notes(h, warn, cli);
    for (size_t i = 0; i < fl_harmonize_count(h); i++)
        valid += fl_harmonize_row(h, i)->valid;
    if (opt.valid_output && !valid)
        fl_warn(cli, "%s: no document fell on the validation side; its shard is empty",
                opt.valid_output);
    return 0;
}

static int
run(struct fl_cli *cli)
{
    struct fl_progress progress;
    struct fl_reading reading = {0};
    struct fl_harmonize_settings set =
        {.records = {(enum fl_records_format)fl_choice_find(FORMATS, opt.format), opt.max,
                     opt.passage, !strcmp(opt.format, "text"), false, NULL},
         .reading = &reading,
         .rules = {.refuse_invalid = !strcmp(opt.invalid, "refuse")},
         .max_dropped = opt.max_dropped,
         .valid = opt.valid,
         .progress = &progress};
    struct fl_tokenizer *t = NULL;
    struct fl_harmonize *h = NULL;
    struct fl_records_found found;
    int result = -1;

    if (check_options() || fl_reading_plain(&reading, opt.field) ||
        fl_records_check(cli->operands, cli->operand_count, &set.records, &found) ||
        (opt.tokenizer && !(t = fl_tokenizer_load(opt.tokenizer))))
        return -1;
    fl_harmonize_note_twice(cli->operands, &found, warn, cli);
    fl_progress_start(&progress, "reading", "B", found.bytes);
    if (t && fl_shard_check(t))
        fl_error_about(opt.tokenizer);
    else if ((set.pool = fl_pool_new(cli->threads)) &&
             (h = fl_harmonize_new(cli->operands, cli->operand_count, &set)))
        result = harmonize(cli, h, t);
    fl_harmonize_free(h);
    fl_pool_free(set.pool);
    fl_tokenizer_free(t);
    fl_reading_release(&reading);
    return result;
}

int
main(int argc, char **argv)
{
    static const struct fl_program program =
        {.name = "fl-harmonize",
         .summary = "Text records to a token shard, or to a vocabulary.",
         .operands = "[RECORDS...]",
         .max_operands = SIZE_MAX,
         .common = FL_HAS_OUTPUT | FL_HAS_THREADS | FL_HAS_LEVEL | FL_HAS_JSON,
         .options = options,
         .run = run};

    return fl_main(argc, argv, &program);
}
