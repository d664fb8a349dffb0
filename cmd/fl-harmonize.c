/* Records of many kinds to a token shard, or to the vocabulary that a federation shares. */
#include <string.h>
#include <sys/stat.h>

#include "base/choice.h"
#include "cli/program.h"
#include "cli/report.h"
#include "data/contract.h"
#include "os/output.h"

#define FORMATS "auto|text|jsonl|csv|tsv" /* in the order of enum fl_records_format */

static struct {
    const char *tokenizer, *site, *format, *field, *invalid, *valid_output, *card;
    int64_t train, explain;
    uint64_t passage, max, mem;
    double valid, max_dropped;
    bool train_given, explain_given, text, pub, digest;
    struct fl_short_ways given; /* with -c they must say what its files say */
} opt = {.format = "auto",
         .field = "text",
         .invalid = "replace",
         .passage = 2048,
         .max = 1 << 20,
         .mem = 256 << 20,
         .max_dropped = 0.1};

static const struct fl_option options[] = {
    FL_OPT_INPUT('t', "tokenizer", "MODEL|TOKENIZER", "make tokens with this vocabulary",
                 &opt.tokenizer),
    FL_OPT_I64(0, "train-tokenizer", "SIZE", FL_BYTE_VOCAB, FL_VOCAB_MAX,
               "learn a vocabulary of SIZE tokens instead, and write the tokenizer", &opt.train,
               .given = &opt.train_given),
    FL_OPT_FLAG(0, "text", "write the documents as JSON Lines instead, to look at", &opt.text),
    FL_OPT_I64(0, "explain", "N", 1, 1000000,
               "show instead what becomes of N records, each byte with its rule", &opt.explain,
               .given = &opt.explain_given),
    FL_OPT_FLAG(0, "digest", "print the digest of the contract of -c instead", &opt.digest),
    FL_OPT_INPUT('c', "conf", "SITE", "how these files become what a contract says (YAML)",
                 &opt.site),
    FL_OPT_CHOICE(0, "format", "FORMAT", FORMATS,
                  "of the records; auto goes by .jsonl, .ndjson, .csv, .tsv", &opt.format,
                  .given = &opt.given.format),
    FL_OPT_TEXT(0, "field", "NAME",
                "the field of JSON lines, or the column, that is text (default text)", &opt.field,
                .given = &opt.given.field),
    FL_OPT_SIZE(0, "passage", "BYTES", 0, 1 << 30,
                "plain text: a blank line ends a document of this size (default 2k; 0: never)",
                &opt.passage, .given = &opt.given.passage),
    FL_OPT_SIZE(0, "max-document", "BYTES", 1024, 1 << 28, "cut longer documents (default 1M)",
                &opt.max, .given = &opt.given.max),
    FL_OPT_CHOICE(0, "invalid", "WHAT", "replace|refuse",
                  "what is not UTF-8 becomes U+FFFD, or ends the run (default replace)",
                  &opt.invalid, .given = &opt.given.invalid),
    FL_OPT_F64(0, "max-dropped", "SHARE", 0, 1,
               "end when more of a file's bytes are dropped or replaced (default 0.1)",
               &opt.max_dropped),
    FL_OPT_F64(0, "valid", "FRACTION", 0.000001, 0.999999,
               "put this part of the documents aside for validation", &opt.valid,
               .given = &opt.given.valid),
    FL_OPT_OUTPUT(0, "valid-output", "FILE", "the shard of the validation documents",
                  &opt.valid_output),
    FL_OPT_OUTPUT(0, "card", "FILE",
                  "report what was read, dropped, cut and replaced, for each file", &opt.card),
    FL_OPT_FLAG(0, "public", "the card for others: one row, and numbers below 5 as <5", &opt.pub),
    FL_OPT_SIZE(0, "mem", "BYTES", 1 << 20, 1ull << 40,
                "memory to find near duplicates in (default 256M)", &opt.mem),
    FL_OPT_END,
};

enum { SHARD, VALID, CARD, OUTPUTS };

static int
check_options(void)
{
    const bool told = opt.explain_given || opt.digest;
    const int ways = (opt.tokenizer != NULL) + opt.train_given + opt.text + told;
    const struct {
        bool wrong;
        const char *why;
    } rules[] = {
        {!ways, "-t MODEL|TOKENIZER is missing; --train-tokenizer SIZE would make a tokenizer"},
        {ways > 1 || (opt.explain_given && opt.digest),
         "-t, --train-tokenizer, --text, --explain and --digest exclude each other"},
        {opt.valid_output && !opt.given.valid && !opt.site,
         "--valid-output needs --valid FRACTION"},
        {opt.given.valid && !opt.valid_output && opt.tokenizer,
         "--valid needs --valid-output FILE"},
        {opt.valid_output && !opt.tokenizer, "--valid-output needs -t; with --train-tokenizer the "
                                             "validation side is left out only"},
        {opt.digest && !opt.site, "--digest needs -c SITE, which names a contract"},
        {opt.pub && !opt.card, "--public needs --card FILE"},
        {opt.card && told, "--card belongs to a whole run"},
    };

    for (size_t i = 0; i < sizeof rules / sizeof *rules; i++)
        if (rules[i].wrong)
            return fl_error(FL_USAGE, "%s", rules[i].why);
    return 0;
}

static void
warn(void *cli, const char *sentence)
{
    fl_warn(cli, "%s", sentence);
}

static int
write_card(const struct fl_cli *cli, const struct fl_harmonize *h, struct fl_output *out)
{
    struct fl_report r;

    fl_harmonize_card(h, cli->json, opt.pub, &r);
    return fl_report_end(&r, out->fd, out->name);
}

static int
make(struct fl_cli *cli, struct fl_harmonize *h, const struct fl_tokenizer *t,
     struct fl_output out[OUTPUTS])
{
    const struct fl_shard_outputs shards = {&out[SHARD], opt.valid_output ? &out[VALID] : NULL,
                                            cli->level};
    const struct fl_vocabulary_output vocabulary = {&out[SHARD], cli->level, warn, cli};
    struct fl_error_copy low;

    if (opt.explain_given)
        return fl_harmonize_explain(h, out[SHARD].fd, out[SHARD].name);
    if (opt.text ? fl_harmonize_write(h, out[SHARD].fd, out[SHARD].name)
        : t      ? fl_harmonize_shards(h, t, &shards)
                 : fl_harmonize_tokenizer(h, (size_t)opt.train, &vocabulary))
        return -1;
    int recall = fl_harmonize_recall(h); /* too low: the card is written, and says by how much */
    if (recall)
        fl_error_save(&low);
    if (opt.card && (write_card(cli, h, &out[CARD]) || (recall && fl_output_commit(&out[CARD]))))
        return -1;
    return recall ? fl_error_restore(&low) : 0;
}

static int
harmonize(struct fl_cli *cli, struct fl_harmonize *h, const struct fl_tokenizer *t)
{
    const unsigned flags = opt.text || opt.explain_given ? FL_OUTPUT_SECRET : FL_OUTPUT_BINARY;
    struct fl_output out[OUTPUTS] = {FL_OUTPUT_INIT, FL_OUTPUT_INIT, FL_OUTPUT_INIT};
    uint64_t valid = 0;

    if (fl_output_open(&out[SHARD], cli->output, flags) ||
        (opt.valid_output && fl_output_open(&out[VALID], opt.valid_output, FL_OUTPUT_BINARY)) ||
        (opt.card && fl_output_open(&out[CARD], opt.card, 0)) || make(cli, h, t, out) ||
        fl_outputs_commit(out, OUTPUTS)) {
        fl_outputs_abort(out, OUTPUTS);
        return -1;
    }
    if (!opt.explain_given)
        fl_harmonize_notes(h, warn, cli);
    for (size_t i = 0; i < fl_harmonize_count(h); i++)
        valid += fl_harmonize_row(h, i)->valid;
    if (opt.valid_output && !valid)
        fl_warn(cli, "%s: no document fell on the validation side; its shard is empty",
                opt.valid_output);
    return 0;
}

/* The settings of the options, or of a site's files. */
static int
settle(const struct fl_cli *cli, struct fl_site *site, struct fl_reading *plain,
       struct fl_harmonize_settings *set)
{
    *set = (struct fl_harmonize_settings){
        .records = {(enum fl_records_format)fl_choice_find(FORMATS, opt.format), opt.max,
                    opt.passage, !strcmp(opt.format, "text"), false, NULL},
        .reading = plain,
        .rules = {.refuse_invalid = !strcmp(opt.invalid, "refuse")},
        .sample = (size_t)opt.explain,
        .mem = opt.mem,
        .max_dropped = opt.max_dropped,
        .valid = opt.valid};
    if (!opt.site)
        return fl_reading_plain(plain, opt.field);
    if (fl_site_read(site, opt.site) || fl_site_agree(site, &opt.given, set, opt.field))
        return -1;
    return opt.digest ? 0 : fl_site_apply(site, cli->operands, cli->operand_count, set);
}

static int
print_digest(const struct fl_cli *cli, const struct fl_site *site)
{
    struct fl_report r;

    fl_report_start(&r, (const char *const[]){"contract", NULL}, cli->json);
    fl_report_bare(&r, "  ");
    fl_report_hex(&r, site->contract.digest, FL_HASH_BYTES);
    return fl_report_end(&r, 1, "standard output");
}

static int
run_with(struct fl_cli *cli, struct fl_harmonize_settings *set)
{
    static struct fl_progress progress;
    struct fl_tokenizer *t = NULL;
    struct fl_harmonize *h = NULL;
    struct fl_records_found found;
    int result = -1;

    if (fl_records_check(cli->operands, cli->operand_count, &set->records, &found) ||
        (opt.tokenizer && !(t = fl_tokenizer_load(opt.tokenizer))))
        return -1;
    fl_harmonize_note_twice(cli->operands, &found, warn, cli);
    set->progress = &progress;
    fl_progress_start(&progress, "reading", "B", found.bytes);
    if (t && fl_shard_check(t))
        fl_error_about(opt.tokenizer);
    else if ((set->pool = fl_pool_new(cli->threads)) &&
             (h = fl_harmonize_new(cli->operands, cli->operand_count, set)))
        result = harmonize(cli, h, t);
    fl_harmonize_free(h);
    fl_pool_free(set->pool);
    fl_tokenizer_free(t);
    return result;
}

static int
run(struct fl_cli *cli)
{
    struct fl_reading plain = {0};
    struct fl_site site = {0};
    struct fl_harmonize_settings set;
    int result = check_options() || settle(cli, &site, &plain, &set) ? -1
                 : opt.digest                                        ? print_digest(cli, &site)
                                                                     : run_with(cli, &set);

    fl_site_release(&site);
    fl_reading_release(&plain);
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
