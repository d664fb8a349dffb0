/* The update that leads from a base model to one that any trainer made of it. */
#include <stdint.h>

#include "base/name.h"
#include "cli/program.h"
#include "fed/diff.h"
#include "os/output.h"
#include "port/foreign.h"

static struct {
    const char *base, *plan, *site, *contract;
    int64_t examples, tokens;
    double loss_first, loss_last;
    bool examples_given, tokens_given, first_given, last_given;
} opt;

static const struct fl_option options[] = {
    FL_OPT_INPUT('b', "base", "MODEL", "the model that training began with", &opt.base),
    FL_OPT_INPUT('p', "plan", "PLAN", "the round: leave out what its roster freezes", &opt.plan),
    FL_OPT_TEXT(0, "site", "NAME", "name of the site that trained (default: none)", &opt.site),
    FL_OPT_I64(0, "examples", "N", 1, 9007199254740992.0,
               "number of documents that it was trained on", &opt.examples,
               .given = &opt.examples_given),
    FL_OPT_I64(0, "tokens", "N", 1, 9007199254740992.0, "number of tokens in them", &opt.tokens,
               .given = &opt.tokens_given),
    FL_OPT_F64(0, "loss-first", "X", 0, 1e9, "loss before training", &opt.loss_first,
               .given = &opt.first_given),
    FL_OPT_F64(0, "loss-last", "X", 0, 1e9, "loss after training", &opt.loss_last,
               .given = &opt.last_given),
    FL_OPT_TEXT(0, "contract", "DIGEST", "of the contract that its text was harmonized by",
                &opt.contract),
    FL_OPT_END,
};

/* The contract, as text, into the metadata. */
static int
put_contract(struct fl_meta *meta)
{
    unsigned char digest[FL_HASH_BYTES];

    if (fl_unhex(digest, sizeof digest, opt.contract))
        return fl_error(FL_USAGE,
                        "--contract: \"%.80s\" is no digest; give the 64 digits that fl-harmonize "
                        "--digest -c SITE prints",
                        opt.contract);
    return fl_meta_set_bytes(meta, "contract", digest, sizeof digest);
}

static int
put_meta(struct fl_object *base, struct fl_pool *pool, struct fl_meta *meta)
{
    unsigned char digest[FL_HASH_BYTES], params[FL_HASH_BYTES];
    int64_t round;

    if (fl_object_digest(base, pool, digest) || fl_object_params(base, pool, params) ||
        fl_meta_set_bytes(meta, "base", digest, FL_HASH_BYTES) ||
        fl_meta_set_bytes(meta, "base.params", params, FL_HASH_BYTES))
        return -1;
    if (fl_meta_find(&fl_object_head(base)->meta, "round")) {
        if (fl_meta_get_i64(&fl_object_head(base)->meta, "round", 0, INT64_MAX - 1, &round))
            return fl_error_about(fl_object_name(base));
        if (fl_meta_set_i64(meta, "base.round", round))
            return -1;
    }
    if ((opt.site && fl_meta_set_text(meta, "site", opt.site)) ||
        (opt.examples_given && fl_meta_set_i64(meta, "examples", opt.examples)) ||
        (opt.tokens_given && fl_meta_set_i64(meta, "tokens", opt.tokens)) ||
        (opt.first_given && fl_meta_set_f64(meta, "loss.first", opt.loss_first)) ||
        (opt.last_given && fl_meta_set_f64(meta, "loss.last", opt.loss_last)))
        return -1;
    return 0;
}

static int
write_update(struct fl_cli *cli, struct fl_object *base, struct fl_object *trained,
             const struct fl_plan *plan, const struct fl_meta *meta, struct fl_pool *pool)
{
    struct fl_progress progress;
    struct fl_output out;

    fl_progress_start(&progress, "fl-diff", "B", fl_object_total(base));
    if (fl_output_open(&out, cli->output, FL_OUTPUT_BINARY))
        return -1;
    struct fl_writer *writer = fl_writer_new(out.fd, out.name, cli->level);
    int failed = !writer || fl_writer_head(writer, FL_KIND_UPDATE, meta) ||
                 fl_diff_write(base, trained, plan, pool, &progress, writer) ||
                 fl_writer_done(writer);
    fl_writer_free(writer);
    if (failed) {
        fl_output_abort(&out);
        return -1;
    }
    fl_progress_end(&progress, fl_object_total(base), NULL);
    return fl_output_commit(&out);
}

static int
run(struct fl_cli *cli)
{
    struct fl_object *base = NULL, *trained = NULL;
    struct fl_pool *pool = NULL;
    struct fl_buf notes = {0};
    struct fl_meta meta = {NULL, 0, 0};
    struct fl_plan plan = {0}, *of = opt.plan ? &plan : NULL;

    if (!opt.base)
        return fl_error(FL_USAGE, "-b MODEL is missing; name the model that training began with");
    if (opt.site && fl_name_check(opt.site))
        return fl_error_about("--site");
    int failed = (opt.contract && put_contract(&meta)) || !(pool = fl_pool_new(cli->threads)) ||
                 !(base = fl_foreign_open(opt.base, &notes)) ||
                 !(trained = fl_foreign_open_trained(cli->operands[0], base, &notes)) ||
                 fl_diff_check(base, trained) || (of && fl_plan_read(of, opt.plan, pool)) ||
                 fl_diff_check_plan(base, trained, of, pool) || put_meta(base, pool, &meta) ||
                 write_update(cli, base, trained, of, &meta, pool);
    if (!failed)
        fl_warn_lines(cli, fl_buf_text(&notes));
    fl_buf_release(&notes);
    fl_plan_release(&plan);
    fl_meta_release(&meta);
    fl_object_free(trained);
    fl_object_free(base);
    fl_pool_free(pool);
    return failed ? -1 : 0;
}

int
main(int argc, char **argv)
{
    static const struct fl_program program = {
        .name = "fl-diff",
        .summary = "Write the update that leads from a base model to a trained one.",
        .operands = "[TRAINED]",
        .max_operands = 1,
        .common = FL_HAS_OUTPUT | FL_HAS_THREADS | FL_HAS_LEVEL,
        .options = options,
        .run = run,
    };

    return fl_main(argc, argv, &program);
}
