/* fl-export: models for other tools. */
#include <string.h>

#include "base/error.h"
#include "cli/program.h"
#include "flt/object.h"
#include "port/hf_export.h"
#include "port/peft.h"

static struct {
    const char *format, *output;
    uint64_t shard;
} opt = {.shard = FL_HF_SHARD_BYTES};

static const struct fl_option options[] = {
    FL_OPT_CHOICE('f', "format", "FORMAT", "hf|peft",
                  "what to write: a Hugging Face folder, or one of an adapter", &opt.format),
    FL_OPT_OUTPUT('o', "output", "DIR", "the folder to make", &opt.output),
    FL_OPT_SIZE(0, "shard-size", "SIZE", 1, (uint64_t)1 << 50,
                "split weights into files of at most SIZE (default: 5 GB)", &opt.shard),
    FL_OPT_END,
};

static int
run(struct fl_cli *cli)
{
    if (!opt.format)
        return fl_error(FL_USAGE, "-f FORMAT is missing; -f hf writes a Hugging Face folder of a "
                                  "model, -f peft one of an adapter");
    if (!opt.output)
        return fl_error(FL_USAGE, "-o DIR is missing; what other tools read is a folder of files");
    bool peft = !strcmp(opt.format, "peft");
    struct fl_object *o = fl_object_open(cli->operand_count ? cli->operands[0] : NULL,
                                         peft ? FL_KIND_ADAPTER : FL_KIND_MODEL);
    int result = !o     ? -1
                 : peft ? fl_peft_export(o, opt.output)
                        : fl_hf_export(o, opt.output, opt.shard);

    fl_object_free(o);
    return result;
}

int
main(int argc, char **argv)
{
    static const struct fl_program program = {
        .name = "fl-export",
        .summary = "Write a model or an adapter in the form of other tools.",
        .operands = "[MODEL]",
        .max_operands = 1,
        .options = options,
        .run = run,
    };

    return fl_main(argc, argv, &program);
}
