/* Identities: a key and its public line; accepting the roster that holds it. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/error.h"
#include "base/mem.h"
#include "cli/program.h"
#include "cli/report.h"
#include "crypt/hash.h"
#include "crypt/secret.h"
#include "os/file.h"
#include "os/progress.h"
#include "sec/state.h"
#include "sec/fingerprint.h"

static struct {
    const char *name, *output, *accept, *key, *words, *psk, *state, *show;
    int64_t epoch;
    bool renew, public, epoch_given;
} opt = {.epoch = 1};

static const struct fl_option options[] = {
    FL_OPT_TEXT('n', "name", "NAME", "make a key of this name and print its public line",
                &opt.name),
    FL_OPT_OUTPUT('o', "output", "KEY", "with -n: the file for the secret key", &opt.output),
    FL_OPT_KEY('k', "key", "KEY", "the secret key to use", &opt.key),
    FL_OPT_INPUT(0, "accept", "ROSTER", "take this roster into force for the key", &opt.accept),
    FL_OPT_INPUT(0, "words", "FILE",
                 "with --accept: the fingerprint's words, which are not asked for then",
                 &opt.words),
    FL_OPT_INPUT(0, "psk", "FILE", "with --accept: the secret that all sites shared before",
                 &opt.psk),
    FL_OPT_FOLDER(0, "state", "DIR", "what the key remembers (default: KEY.state)", &opt.state),
    FL_OPT_FLAG(0, "renew", "replace the key for an epoch to come and print its line", &opt.renew),
    FL_OPT_FLAG(0, "public", "print the public line that the key has now", &opt.public),
    FL_OPT_I64(0, "epoch", "N", 0, FL_EPOCH_MAX,
               "with -n or --renew: the roster's epoch (default: 1, or that of the key)",
               &opt.epoch, .given = &opt.epoch_given),
    FL_OPT_INPUT(0, "show", "ROSTER", "print a roster's members and its fingerprint's words",
                 &opt.show),
    FL_OPT_END,
};

static int
print_line(const struct fl_key *key)
{
    struct fl_line line;
    char text[FL_LINE_MAX + 1];

    fl_key_line(key, &line);
    int n = snprintf(text, sizeof text, "%s\n", line.text);
    return fl_write_full(STDOUT_FILENO, "standard output", text, (size_t)n);
}

static int
make_key(void)
{
    if (!opt.output || !strcmp(opt.output, "-"))
        return fl_error(FL_USAGE, "-o KEY is missing; the secret key goes to a file");
    if (!access(opt.output, F_OK))
        return fl_error(FL_REFUSED, "%s: is there already; a key is not written over another file",
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
    struct fl_key *key = fl_key_read(opt.key);
    int result = key ? 0 : -1;

    if (key && opt.renew) {
        int64_t epoch = opt.epoch_given ? opt.epoch : key->epoch;
        if (key->has_roster && epoch <= key->roster_epoch) {
            result = fl_error(FL_USAGE,
                              "--epoch %lld is not after epoch %lld, whose roster was accepted",
                              (long long)epoch, (long long)key->roster_epoch);
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

/* The words that somebody else read out, from --words or typed; they are never shown here. */
static int
check_words(const struct fl_roster *r)
{
    struct fl_buf typed = {0};
    char line[512];
    int result = 0;

    if (opt.words) {
        result = fl_read_file(opt.words, 4096, &typed);
    } else if (!isatty(STDIN_FILENO)) {
        return fl_error(FL_USAGE, "standard input is no terminal to type the roster's words on; "
                                  "give them with --words FILE");
    } else {
        ssize_t n = snprintf(line, sizeof line,
                             "Roster of \"%s\", epoch %lld, %zu sites. Let another member read you "
                             "the %d words of its fingerprint, and type them:\n",
                             r->federation, (long long)r->epoch, r->n, FL_FINGERPRINT_WORDS);
        fl_say(line);
        while (!result && n > 0 && typed.len < FL_FINGERPRINT_TEXT - 1) {
            n = fl_read_some(STDIN_FILENO, "standard input", line, sizeof line);
            result = n < 0 ? -1 : fl_buf_add(&typed, line, (size_t)n);
        }
    }
    if (!result)
        result = fl_fingerprint_check(fl_buf_text(&typed), r->digest);
    fl_buf_release(&typed);
    return result ? fl_error_about(opt.words ? opt.words : opt.accept) : 0;
}

static int
accept_roster(void)
{
    struct fl_roster r;
    unsigned char *psk = NULL;
    bool already = false;

    if (!opt.key)
        return fl_error(FL_USAGE, "-k KEY is missing; it is the key that accepts the roster");
    if (fl_roster_read(&r, opt.accept))
        return -1;
    struct fl_key *key = fl_key_read(opt.key);
    char *dir = fl_state_dir(opt.key, opt.state);
    int result = key && dir ? 0 : -1;
    if (!result && opt.psk)
        result = (psk = fl_secret_alloc(1, 32)) ? fl_psk_read(opt.psk, psk) : -1;
    if (!result)
        result = check_words(&r);
    if (!result)
        result = fl_state_accept(dir, key, opt.key, &r, psk, &already);
    fl_secret_free(psk);
    fl_key_free(key);
    free(dir);
    fl_roster_release(&r);
    return result;
}

static void
add_row(struct fl_report *report, const char *item, const char *value)
{
    fl_report_text(report, item);
    fl_report_text(report, value);
}

static void
add_number(struct fl_report *report, const char *item, int64_t value)
{
    fl_report_text(report, item);
    fl_report_i64(report, value);
}

static int
show_roster(struct fl_cli *cli)
{
    static const char *const columns[] = {"item", "value", NULL};
    struct fl_report report;
    struct fl_roster r;
    char words[FL_FINGERPRINT_TEXT], digest[65];

    if (fl_roster_read(&r, opt.show))
        return -1;
    fl_fingerprint_text(words, r.digest);
    fl_hex(digest, r.digest, sizeof r.digest);
    fl_report_start(&report, columns, cli->json);
    add_row(&report, "federation", r.federation);
    add_number(&report, "epoch", r.epoch);
    add_number(&report, "first_round", r.first_round);
    add_row(&report, "hub", r.hub.name);
    for (size_t i = 0; i < r.n; i++)
        add_row(&report, "site", r.sites[i].name);
    for (size_t i = 0; i < r.m; i++)
        add_row(&report, "committee", r.sites[r.committee[i]].name);
    add_number(&report, "threshold", r.threshold);
    add_number(&report, "min_sum", r.min_sum);
    add_row(&report, "digest", digest);
    add_row(&report, "words", words);
    int result = fl_report_flush(&report, STDOUT_FILENO, "standard output");
    fl_report_release(&report);
    fl_roster_release(&r);
    return result;
}

static int
run(struct fl_cli *cli)
{
    int modes = (opt.name != NULL) + (opt.accept != NULL) + (opt.show != NULL) + opt.renew +
                opt.public;

    if (modes != 1)
        return fl_error(FL_USAGE,
                        "give one of -n NAME, --accept ROSTER, --renew, --public, --show ROSTER");
    if (opt.name && opt.key)
        return fl_error(FL_USAGE, "-n makes a new key: it goes to -o KEY, not -k");
    if (opt.name)
        return make_key();
    if (opt.output)
        return fl_error(FL_USAGE, "-o is for a new key, with -n NAME");
    if (opt.show)
        return show_roster(cli);
    if (opt.accept)
        return accept_roster();
    if (!opt.key)
        return fl_error(FL_USAGE, "-k KEY is missing; it is the key whose line is printed");
    return use_key();
}

int
main(int argc, char **argv)
{
    static const struct fl_program program = {
        .name = "fl-keygen",
        .summary =
            "Make the key of a site or hub, and accept the roster that holds its public line.",
        .operands = "",
        .max_operands = 0,
        .common = FL_REFUSES_SEED | FL_HAS_JSON,
        .options = options,
        .run = run,
    };

    return fl_main(argc, argv, &program);
}
