/* Identities: a key and its public line; accepting the roster that holds it. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/error.h"
#include "cli/program.h"
#include "cli/report.h"
#include "crypt/secret.h"
#include "os/file.h"
#include "os/output.h"
#include "sec/fingerprint.h"
#include "sec/he_offer.h"
#include "sec/roster_show.h"
#include "sec/state.h"

static struct {
    const char *name, *output, *accept, *key, *words, *psk, *model, *state, *show, *he, *he_key;
    double bandwidth;
    int64_t epoch;
    bool renew, public, epoch_given, tensors;
} opt = {.epoch = 1};

static const struct fl_option options[] = {
    FL_OPT_TEXT('n', "name", "NAME", "make a key of this name and print its public line",
                &opt.name),
    FL_OPT_OUTPUT('o', "output", "FILE", "with -n: the secret key; with --he-key: the keys",
                  &opt.output),
    FL_OPT_KEY('k', "key", "KEY", "the secret key to use", &opt.key),
    FL_OPT_INPUT(0, "accept", "ROSTER", "take this roster into force for the key", &opt.accept),
    FL_OPT_INPUT(0, "words", "FILE",
                 "with --accept: the fingerprint's words, which are not asked for then",
                 &opt.words),
    FL_OPT_INPUT(0, "psk", "FILE", "with --accept: the secret that all sites shared before",
                 &opt.psk),
    FL_OPT_F64(0, "bandwidth", "MBIT", 1e-6, 1e9,
               "with --accept: the site's own, for dynamic weights (default: the roster's mbit)",
               &opt.bandwidth),
    FL_OPT_INPUT('m', "model", "MODEL",
                 "the roster's model: what noise means and classes take; of an earlier helper",
                 &opt.model),
    FL_OPT_FLAG(0, "tensors", "with -m: what each tensor takes too", &opt.tensors),
    FL_OPT_FOLDER(0, "state", "DIR", "what the key remembers (default: KEY.state)", &opt.state),
    FL_OPT_FLAG(0, "renew", "replace the key for an epoch to come and print its line", &opt.renew),
    FL_OPT_FLAG(0, "public", "print the public line that the key has now", &opt.public),
    FL_OPT_I64(0, "epoch", "N", 0, FL_EPOCH_MAX,
               "with -n or --renew: the roster's epoch (default: 1, or that of the key)",
               &opt.epoch, .given = &opt.epoch_given),
    FL_OPT_INPUT(0, "show", "ROSTER", "print all that a roster says, and its fingerprint's words",
                 &opt.show),
    FL_OPT_TEXT(0, "he", "FEDERATION", "print a helper's line for tensors of protection he",
                &opt.he),
    FL_OPT_TEXT(0, "he-key", "R..R2",
                "write a helper's keys of these rounds, for fl-plan --he-keys", &opt.he_key),
    FL_OPT_END,
};

static int
print_text(const char *line)
{
    char text[FL_LINE_MAX + 1];
    int n = snprintf(text, sizeof text, "%s\n", line);

    return fl_write_full(STDOUT_FILENO, "standard output", text, (size_t)n);
}

static int
print_line(const struct fl_key *key)
{
    struct fl_line line;

    fl_key_line(key, &line);
    return print_text(line.text);
}

static int
make_key(void)
{
    if (!opt.output || !strcmp(opt.output, "-"))
        return fl_error(FL_USAGE, "-o KEY is missing; the secret key goes to a file");
    if (!access(opt.output, F_OK))
        return fl_error(FL_REFUSED,
                        "%s: is there already, and no key is written over a file; name a new one",
                        opt.output);
    struct fl_key *key = fl_key_new(opt.name, opt.epoch);
    int result = key ? fl_key_create(key, opt.output) : -1;
    if (!result && print_line(key))
        result = fl_error(fl_error_status(),
                          "%s; the key is made, and fl-keygen --public prints it", fl_error_text());
    fl_key_free(key);
    return result;
}

static int
use_key(void)
{
    struct fl_key *key = opt.renew && fl_file_lock(opt.key) ? NULL : fl_key_read(opt.key);
    int result = key ? 0 : -1;

    if (key && opt.renew) {
        int64_t epoch = opt.epoch_given ? opt.epoch : key->epoch;
        if (key->has_roster && epoch <= key->roster_epoch) {
            result = fl_error(FL_USAGE,
                              "epoch %lld is not after %lld, whose roster was accepted; give "
                              "--epoch %lld or later",
                              (long long)epoch, (long long)key->roster_epoch,
                              (long long)key->roster_epoch + 1);
        } else {
            fl_key_renew(key, epoch);
            result = fl_key_write(key, opt.key);
        }
    }
    if (!result)
        result = print_line(key);
    fl_key_free(key);
    return result;
}

static int
print_roster(const struct fl_cli *cli, const struct fl_roster *r, const struct fl_roster_view *view)
{
    struct fl_report report;

    fl_report_start(&report, fl_roster_show_columns, cli->json);
    int failed = fl_roster_show(r, view, &report) ||
                 fl_report_flush(&report, STDOUT_FILENO, "standard output");
    fl_report_release(&report);
    return failed ? -1 : 0;
}

/* Shown whole, agreed to by its words, taken into force. */
static int
accept_roster(const struct fl_cli *cli, struct fl_acceptance *a, const struct fl_roster_view *view)
{
    unsigned char *psk = NULL;
    int failed = 0;

    if (opt.psk)
        failed = !(psk = fl_secret_alloc(1, 32)) || fl_psk_read(opt.psk, psk);
    a->psk = psk;
    if (!failed)
        failed = print_roster(cli, a->roster, view) ||
                 fl_fingerprint_ask(a->roster->digest, opt.words, opt.accept) || fl_state_accept(a);
    fl_secret_free(psk);
    return failed ? -1 : 0;
}

/* --accept and --show, which with -k compares too. */
static int
use_roster(const struct fl_cli *cli)
{
    struct fl_acceptance a = {.key_path = opt.key, .mbit = opt.bandwidth};
    struct fl_roster r, last = {0};
    char *dir = NULL;
    int got = 1;

    if (fl_roster_read(&r, opt.show ? opt.show : opt.accept))
        return -1;
    if (opt.key)
        got = !(opt.accept && fl_file_lock(opt.key)) && (a.key = fl_key_read(opt.key)) &&
                      (dir = fl_state_dir(opt.key, opt.state))
                  ? fl_state_roster(dir, a.key, &last)
                  : -1;
    a.roster = &r;
    a.dir = dir;
    int failed = got < 0 || (opt.model && !(a.model = fl_object_open(opt.model, FL_KIND_BASE)));
    const struct fl_roster_view view = {a.model, got ? NULL : &last, opt.show, opt.tensors};
    if (!failed)
        failed = opt.show ? print_roster(cli, &r, &view) : accept_roster(cli, &a, &view);
    fl_object_free(a.model);
    fl_key_free(a.key);
    free(dir);
    fl_roster_release(&last);
    fl_roster_release(&r);
    return failed ? -1 : 0;
}

static int
offer(void)
{
    struct fl_he_line line;

    return fl_he_offer(&line, opt.key, opt.he) || print_text(line.text) ? -1 : 0;
}

static int
show_keys(void)
{
    struct fl_output out;

    if (fl_output_open(&out, opt.output, FL_OUTPUT_BINARY))
        return -1;
    int failed = fl_he_keys_make(opt.key, opt.state, opt.he_key, &out) || fl_output_commit(&out);
    fl_output_abort(&out);
    return failed ? -1 : 0;
}

static int
check_options(void)
{
    int modes = (opt.name != NULL) + (opt.accept != NULL) + (opt.show != NULL) + opt.renew +
                opt.public + (opt.he != NULL) + (opt.he_key != NULL);

    if (modes != 1)
        return fl_error(FL_USAGE, "give one of -n NAME, --accept ROSTER, --renew, --public, --show "
                                  "ROSTER, --he FEDERATION, --he-key ROUNDS");
    if (opt.name && opt.key)
        return fl_error(FL_USAGE, "-n makes a new key: it goes to -o KEY, not -k");
    if (!opt.name && !opt.he_key && opt.output)
        return fl_error(FL_USAGE, "-o is for a new key, with -n NAME, and for --he-key");
    if (!opt.accept && (opt.words || opt.psk || opt.bandwidth != 0))
        return fl_error(FL_USAGE, "--words, --psk and --bandwidth belong to --accept ROSTER");
    if (opt.model && !opt.accept && !opt.show)
        return fl_error(FL_USAGE, "-m belongs to --accept ROSTER and --show ROSTER");
    if (opt.tensors && !opt.model)
        return fl_error(FL_USAGE, "--tensors needs -m MODEL");
    if (!opt.name && !opt.show && !opt.key)
        return fl_error(FL_USAGE, "-k KEY is missing; it is the key to %s",
                        opt.accept ? "accept the roster with" : "print the line of");
    return 0;
}

static int
run(struct fl_cli *cli)
{
    if (check_options())
        return -1;
    if (opt.name)
        return make_key();
    if (opt.he || opt.he_key)
        return opt.he ? offer() : show_keys();
    return opt.show || opt.accept ? use_roster(cli) : use_key();
}

int
main(int argc, char **argv)
{
    static const struct fl_program program = {
        .name = "fl-keygen",
        .summary = "Make the key of a site or hub; accept the roster that has its public line.",
        .operands = "",
        .max_operands = 0,
        .common = FL_REFUSES_SEED | FL_HAS_JSON,
        .options = options,
        .run = run,
    };

    return fl_main(argc, argv, &program);
}
