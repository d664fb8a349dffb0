/*
 * fl-info: what is in a stream. The whole of it is checked before anything of an object is told;
 * only --tensor reads one tensor alone.
 */
#include <stdint.h>

#include "base/error.h"
#include "cli/program.h"
#include "cli/report.h"
#include "crypt/hash.h"
#include "flt/listing.h"
#include "flt/object.h"
#include "flt/reader.h"
#include "math/build.h"
#include "os/file.h"
#include "os/output.h"
#include "os/pool.h"
#include "sec/roster.h"
#include "sec/setup.h"

static struct {
    bool digest, stats, raw, build;
    const char *tensor, *verify, *conf;
    struct fl_option_list get;
    int64_t head;
} opt = {.head = INT64_MAX};

static const struct fl_option options[] = {
    FL_OPT_FLAG(0, "digest", "print digests and file names only, as sha256sum does", &opt.digest),
    FL_OPT_INPUT(0, "verify", "ROSTER", "refuse what is not signed by a member of this roster",
                 &opt.verify),
    FL_OPT_LIST(0, "get", "KEY", "print this value of each object's metadata; many times",
                &opt.get),
    FL_OPT_INPUT(0, "conf", "YAML", "print what fl-round reads out of a federation's file",
                 &opt.conf),
    FL_OPT_FLAG(0, "build", "print what this program and this machine are", &opt.build),
    FL_OPT_TEXT('t', "tensor", "NAME", "print the values of one tensor, and read only that",
                &opt.tensor),
    FL_OPT_FLAG(0, "stats", "with --tensor: print statistics of the values instead", &opt.stats),
    FL_OPT_I64(0, "head", "N", 0, 9e15, "with --tensor: print the first N values (default: all)",
               &opt.head),
    FL_OPT_FLAG(0, "raw", "with --tensor: write the bytes as they are", &opt.raw),
    FL_OPT_END,
};

static int
pass_over_tensors(struct fl_reader *in)
{
    const struct fl_tensor *t;
    int got;

    while ((got = fl_reader_tensor(in, &t)) == 1)
        ;
    return got;
}

/* The digest of the object at hand, alone as sha256sum would print it, or as a row. */
static void
tell_digest(struct fl_listing *l, const struct fl_reader *in)
{
    unsigned char digest[FL_HASH_BYTES];

    fl_reader_digest(in, digest);
    if (!opt.digest) {
        fl_listing_digest(l, digest);
        return;
    }
    fl_report_hex(&l->report, digest, sizeof digest);
    fl_report_text(&l->report, l->file);
}

/* The rows of the signatures, and whether they hold under the roster of V. */
static int
tell_signs(struct fl_listing *l, struct fl_reader *in, const char *kind, struct fl_verifier *v)
{
    *v = (struct fl_verifier){.roster = v->roster, .kind = kind};
    fl_reader_digest(in, v->digest);
    int got = fl_listing_signs(opt.digest || opt.get.count ? NULL : l, in, fl_verifier_check, v);
    return got ? got : fl_verifier_end(v, l->file);
}

/* Every object of one input; nothing is told of it before all of it was checked. */
static int
list_file(struct fl_listing *l, struct fl_pool *pool, const char *path, struct fl_verifier *v,
          const struct fl_output *out)
{
    struct fl_reader *in = NULL;
    const struct fl_head *head;
    int got = -1;

    if (opt.get.count && fl_input_missing(path))
        return fl_error(FL_NOT_YET, "%s: is not there yet", path);
    if (!(in = fl_reader_open(path)))
        return -1;
    l->file = fl_reader_name(in);
    fl_reader_want_digest(in);
    fl_reader_use_pool(in, pool);
    for (l->object = 0; (got = fl_reader_object(in, &head)) == 1; l->object++) {
        if ((got = fl_listing_get(l, head, opt.get.items, opt.get.count)))
            break;
        if ((got = opt.digest || opt.get.count ? pass_over_tensors(in)
                                               : fl_listing_object(l, in, head)))
            break;
        if (!opt.get.count)
            tell_digest(l, in);
        if ((got = tell_signs(l, in, head->kind, v)))
            break;
    }
    if (!got)
        got = fl_report_flush(&l->report, out->fd, out->name);
    fl_reader_free(in);
    return got;
}

static int
list(const struct fl_cli *cli, const struct fl_output *out)
{
    static const char *const digest_columns[] = {"digest", "file", NULL};
    static const char *const value_column[] = {"value", NULL};
    struct fl_listing l;
    struct fl_roster roster = {0};
    struct fl_verifier v = {.roster = opt.verify ? &roster : NULL};
    struct fl_pool *pool = fl_pool_new(cli->threads);
    int result = !pool || (opt.verify && fl_roster_read(&roster, opt.verify)) ? -1 : 0;

    fl_listing_start(&l, cli->json);
    if (opt.digest) {
        fl_report_start(&l.report, digest_columns, cli->json);
        fl_report_bare(&l.report, "  ");
    } else if (opt.get.count) {
        fl_report_start(&l.report, value_column, cli->json);
        fl_report_bare(&l.report, "");
    }
    for (size_t i = 0; !result && i < (cli->operand_count ? cli->operand_count : 1); i++)
        result = list_file(&l, pool, cli->operands[i], &v, out);
    fl_report_release(&l.report);
    fl_roster_release(&roster);
    fl_pool_free(pool);
    return result;
}

/* Of no stream: a federation's file, or this program. */
static int
show_record(bool json, const struct fl_output *out)
{
    struct fl_report r;

    fl_report_start_record(&r, json);
    int result = (opt.conf ? fl_setup_report(&r, opt.conf) : fl_build_report(&r)) ||
                 fl_report_flush(&r, out->fd, out->name);
    fl_report_release(&r);
    return result ? -1 : 0;
}

/* The values of a tensor, as --raw, --stats and --head say. */
static int
show_tensor(struct fl_object *o, size_t i, bool json, struct fl_output *out)
{
    static const char *const names[] = {"index", "value", NULL};
    const struct fl_tensor *t = fl_object_tensor(o, i);
    struct fl_report r = {0};
    struct fl_stats s = {0};
    struct fl_view v = {0};
    int got;

    if (!opt.raw && !opt.stats)
        fl_report_start(&r, names, json);
    fl_stats_add(&s, t->dtype, "", 0);
    while ((got = fl_object_next(o, i, &v)) == 1) {
        uint64_t bytes = v.to - v.from;
        if (opt.stats)
            fl_stats_add(&s, t->dtype, v.data, fl_dtype_count(t->dtype, bytes));
        else if (opt.raw ? fl_output_write(out, v.data, bytes)
                         : fl_listing_values(&r, t, &v, (uint64_t)opt.head, out->fd, out->name))
            got = -1;
        if (got < 0)
            break;
    }
    fl_view_release(&v);
    if (!got && opt.stats)
        fl_listing_stats(&r, &s, json);
    if (!got && !opt.raw)
        got = fl_report_flush(&r, out->fd, out->name);
    fl_report_release(&r);
    return got;
}

static int
check_line(const struct fl_cli *cli)
{
    if (opt.tensor && (opt.digest || opt.verify || opt.get.count))
        return fl_error(FL_USAGE, "--tensor is of a part; leave out --digest, --get, --verify");
    if (opt.get.count && opt.digest)
        return fl_error(FL_USAGE, "--get prints values alone; leave out --digest");
    if ((opt.conf || opt.build) && (opt.tensor || opt.digest || opt.get.count || opt.verify ||
                                    cli->operand_count || (opt.conf && opt.build)))
        return fl_error(FL_USAGE, "--conf and --build read no streams; leave out what is beside");
    if (!opt.tensor && (opt.stats || opt.raw || opt.head != INT64_MAX))
        return fl_error(FL_USAGE, "--stats, --raw and --head belong to --tensor NAME");
    if (opt.raw && (opt.stats || opt.head != INT64_MAX))
        return fl_error(FL_USAGE, "--raw writes all bytes of a tensor; leave out --stats, --head");
    if (opt.tensor && cli->operand_count > 1)
        return fl_error(FL_USAGE, "--tensor looks into one file; %zu are named",
                        cli->operand_count);
    return 0;
}

static int
run(struct fl_cli *cli)
{
    struct fl_object *o = NULL;
    struct fl_output out;
    int64_t at = -1;

    if (check_line(cli))
        return -1;
    if (opt.tensor) {
        if (!(o = fl_object_open(cli->operands[0], NULL)))
            return -1;
        at = fl_object_require(o, opt.tensor);
    }
    int result = opt.tensor && at < 0 ? -1 : 0;
    if (!result && !(result = fl_output_open(&out, cli->output, opt.raw ? FL_OUTPUT_BINARY : 0))) {
        result = opt.conf || opt.build ? show_record(cli->json, &out)
                 : o                   ? show_tensor(o, at, cli->json, &out)
                                       : list(cli, &out);
        if (result)
            fl_output_abort(&out);
        else
            result = fl_output_commit(&out);
    }
    fl_object_free(o);
    return result;
}

int
main(int argc, char **argv)
{
    static const struct fl_program program = {
        .name = "fl-info",
        .summary = "Tell what is in streams: metadata, tensors, digest, signatures.",
        .operands = "[FILE...]",
        .max_operands = SIZE_MAX,
        .common = FL_HAS_OUTPUT | FL_HAS_THREADS | FL_HAS_JSON,
        .options = options,
        .run = run,
    };

    return fl_main(argc, argv, &program);
}
