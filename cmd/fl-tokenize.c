/* Text to token ids as JSON, and back: what the model sees. */
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "cli/program.h"
#include "os/file.h"
#include "os/output.h"
#include "text/ids_json.h"
#include "data/jsonl.h"
#include "data/records.h"
#include "text/tokenizer.h"
#include "text/unicode.h"

enum { TEXT_MAX = 1 << 30, LINE_MAX_TEXT = 256 << 20 };

static struct {
    const char *tokenizer, *jsonl;
    bool no_special, parse_special, decode, keep_special;
} opt;

static const struct fl_option options[] = {
    FL_OPT_INPUT('t', "tokenizer", "FILE", "a model, a tokenizer, or a tokenizer.json",
                 &opt.tokenizer),
    FL_OPT_TEXT(0, "jsonl", "FIELD", "every line is a JSON object, and its field FIELD the text",
                &opt.jsonl),
    FL_OPT_FLAG(0, "no-special",
                "do not add what the tokenizer puts around a text (begin of text and the like)",
                &opt.no_special),
    FL_OPT_FLAG(0, "parse-special",
                "the names of special tokens in the text become tokens; else they stay text",
                &opt.parse_special),
    FL_OPT_FLAG(0, "decode", "JSON arrays of ids to text", &opt.decode),
    FL_OPT_FLAG(0, "keep-special", "with --decode: write special tokens by their names",
                &opt.keep_special),
    FL_OPT_END,
};

/* What every document needs. */
struct job {
    const struct fl_tokenizer *tokenizer;
    struct fl_encoder *encoder;
    struct fl_ids ids;
    struct fl_buf text, line;
    struct fl_jsonl_value value;
    struct fl_output out;
    bool full; /* writing failed: the error is of the output, not of the input at hand */
};

static int
put(struct job *job, const struct fl_buf *text)
{
    job->full = fl_write_text(job->out.fd, job->out.name, text->data, text->len) != 0;
    return job->full ? -1 : 0;
}

static int
encode(struct job *job, const void *text, size_t len)
{
    unsigned flags = (opt.parse_special ? FL_ENCODE_SPECIAL : 0) |
                     (opt.no_special ? 0 : FL_ENCODE_TEMPLATE);

    job->ids.len = 0;
    fl_buf_clear(&job->line);
    if (fl_encode(job->encoder, text, len, flags, &job->ids) ||
        fl_ids_json_write(&job->ids, &job->line))
        return -1;
    return put(job, &job->line);
}

/* The ids of one line to text; as a line of JSON when documents have to stay apart. */
static int
decode(struct job *job, const char *line, size_t len)
{
    uint64_t replaced = 0, bytes = 0;

    job->ids.len = 0;
    fl_buf_clear(&job->text);
    fl_buf_clear(&job->line);
    if (fl_ids_json_read(line, len, &job->ids) ||
        fl_decode(job->tokenizer, job->ids.data, job->ids.len, opt.keep_special, &job->text))
        return -1;
    if (!opt.jsonl)
        return put(job, &job->text);
    struct fl_buf clean = {0};
    int result = fl_unicode_replace(job->text.data, job->text.len, &clean, &replaced, &bytes);
    if (!result && !fl_buf_add_byte(&job->line, '{') &&
        !fl_jsonl_quote(&job->line, opt.jsonl, strlen(opt.jsonl)) &&
        !fl_buf_add_text(&job->line, ": ") &&
        !fl_jsonl_quote(&job->line, (char *)clean.data, clean.len) &&
        !fl_buf_add_text(&job->line, "}\n"))
        result = put(job, &job->line);
    else
        result = -1;
    fl_buf_release(&clean);
    return result;
}

/* A line of JSON: the field of an object, or an array of ids. */
static int
take_line(struct job *job, const struct fl_raw_record *record)
{
    const char *line = (const char *)record->data;
    size_t offset;

    if (opt.decode)
        return decode(job, line, record->len);
    size_t bad = fl_unicode_check(line, record->len);
    if (bad < record->len)
        return fl_error(FL_FAILED, "byte %zu of the line is not UTF-8", bad);
    switch (fl_jsonl_field(line, record->len, opt.jsonl, &job->value, &offset)) {
    case FL_JSONL_FOUND: return encode(job, fl_buf_text(&job->value.text), job->value.text.len);
    case FL_JSONL_MALFORMED: return fl_error(FL_FAILED, "is not JSON from byte %zu on", offset);
    case FL_JSONL_MISSING:
        return fl_error(FL_FAILED, "has no field \"%s\"; --jsonl names the field", opt.jsonl);
    case FL_JSONL_NOT_TEXT:
        return fl_error(FL_FAILED, "its field \"%s\" is not a string", opt.jsonl);
    case FL_JSONL_NO_MEMORY: break;
    }
    return -1;
}

static int
run_lines(struct fl_cli *cli, struct job *job)
{
    const struct fl_records_settings set = {FL_RECORDS_JSONL, LINE_MAX_TEXT, 0, true, false, NULL};
    struct fl_records *records = fl_records_open(cli->operands, cli->operand_count, &set);
    struct fl_raw_record record;
    int got = -1;

    while (records && (got = fl_records_next(records, &record)) == 1) {
        if (take_line(job, &record)) {
            char about[60];
            got = -1;
            if (job->full)
                break;
            snprintf(about, sizeof about, "line %llu", (unsigned long long)record.line);
            fl_error_about(about);
            got = fl_error_about(fl_records_name(records, record.file));
            break;
        }
    }
    for (size_t i = 0; !got && i < fl_records_count(records); i++)
        if (fl_records_file(records, i)->overlong)
            got = fl_error(FL_FAILED, "%s: line %llu is longer than 2 GiB",
                           fl_records_name(records, i),
                           (unsigned long long)fl_records_file(records, i)->overlong_line);
    fl_records_free(records);
    return got;
}

static int
run_texts(struct fl_cli *cli, struct job *job)
{
    for (size_t i = 0; i < (cli->operand_count ? cli->operand_count : 1); i++) {
        fl_buf_clear(&job->text);
        if (fl_read_file(cli->operands[i], TEXT_MAX, &job->text))
            return -1;
        if (encode(job, fl_buf_text(&job->text), job->text.len))
            return job->full ? -1 : fl_error_about(fl_input_name(cli->operands[i]));
    }
    return 0;
}

static int
run(struct fl_cli *cli)
{
    struct job job = {.out = FL_OUTPUT_INIT};
    struct fl_tokenizer *t = NULL;
    const struct fl_records_settings as_is = {FL_RECORDS_TEXT, TEXT_MAX, 0, true, true, NULL};
    struct fl_records_found found;
    int result = -1;

    if (!opt.tokenizer)
        return fl_error(FL_USAGE, "-t FILE is missing: a model, a tokenizer or a tokenizer.json");
    if (opt.keep_special && !opt.decode)
        return fl_error(FL_USAGE, "--keep-special belongs to --decode");
    if (opt.decode && (opt.parse_special || opt.no_special))
        return fl_error(FL_USAGE, "%s belongs to making ids, not to --decode",
                        opt.parse_special ? "--parse-special" : "--no-special");
    if (fl_records_check(cli->operands, cli->operand_count, &as_is, &found) ||
        !(t = fl_tokenizer_load(opt.tokenizer)))
        return -1;
    job.tokenizer = t;
    if ((job.encoder = fl_encoder_new(t)) && !fl_output_open(&job.out, cli->output, 0)) {
        result = opt.decode || opt.jsonl ? run_lines(cli, &job) : run_texts(cli, &job);
        if (!result)
            result = fl_output_commit(&job.out);
        fl_output_abort(&job.out);
    }
    fl_encoder_free(job.encoder);
    fl_ids_release(&job.ids);
    fl_buf_release(&job.text);
    fl_jsonl_value_release(&job.value);
    fl_buf_release(&job.line);
    fl_tokenizer_free(t);
    return result;
}

int
main(int argc, char **argv)
{
    static const struct fl_program program =
        {.name = "fl-tokenize",
         .summary = "Text to token ids, one JSON array a document and line, and back.",
         .operands = "[TEXT...]",
         .max_operands = SIZE_MAX,
         .common = FL_HAS_OUTPUT,
         .options = options,
         .run = run};

    return fl_main(argc, argv, &program);
}
