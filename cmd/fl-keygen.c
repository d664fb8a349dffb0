/* Identities: a key and its public line; accepting the roster that holds it. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/error.h"
#include "base/mem.h"
#include "cli/program.h"
#include "cli/report.h"
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
        return fl_error(
            FL_REFUSED,
            "%s: is there already, and no key is written over another file; name a new one",
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
type_words(const struct fl_roster *r, struct fl_buf *text)
{
    char line[512];

    if (!isatty(STDIN_FILENO))
        return fl_error(FL_USAGE, "standard input is no terminal to type the roster's words on; "
                                  "give them with --words FILE");
    ssize_t n = snprintf(line, sizeof line,
                         "Roster of \"%s\", epoch %lld, %zu sites. Let another member read you the "
                         "%d words of its fingerprint, and type them:\n",
                         r->federation, (long long)r->epoch, r->n, FL_FINGERPRINT_WORDS);
    fl_say(line);
    while (n > 0 && text->len < FL_FINGERPRINT_TEXT - 1) {
        n = fl_read_some(STDIN_FILENO, "standard input", line, sizeof line);
        if (n < 0 || fl_buf_add(text, line, (size_t)n))
            return -1;
    }
    return 0;
}

/* The words that somebody else read out; they are never shown here. */
static int
check_words(const struct fl_roster *r)
{
    struct fl_buf text = {0};
    int result = opt.words ? fl_fingerprint_read(opt.words, &text) : type_words(r, &text);

    if (!result && fl_fingerprint_check(fl_buf_text(&text), r->digest))
        result = fl_error_about(opt.words ? opt.words : opt.accept);
    fl_buf_release(&text);
    return result;
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
show_members(struct fl_report *report, const struct fl_roster *r)
{
    fl_report_list(fl_report_key(report, "sites"));
    for (size_t i = 0; i < r->n; i++)
        fl_report_text(report, r->sites[i].name);
    fl_report_list_end(report);
    fl_report_list(fl_report_key(report, "committee"));
    for (size_t i = 0; i < r->m; i++)
        fl_report_text(report, r->sites[r->committee[i]].name);
    fl_report_list_end(report);
}

static int
show_roster(struct fl_cli *cli)
{
    struct fl_report report;
    struct fl_roster r;
    char words[FL_FINGERPRINT_TEXT];

    if (fl_roster_read(&r, opt.show))
        return -1;
    fl_fingerprint_text(words, r.digest);
    fl_report_start_record(&report, cli->json);
    fl_report_text(fl_report_key(&report, "federation"), r.federation);
    fl_report_i64(fl_report_key(&report, "epoch"), r.epoch);
    fl_report_i64(fl_report_key(&report, "first_round"), r.first_round);
    fl_report_text(fl_report_key(&report, "hub"), r.hub.name);
    show_members(&report, &r);
    fl_report_i64(fl_report_key(&report, "threshold"), r.threshold);
    fl_report_i64(fl_report_key(&report, "min_sum"), r.min_sum);
    fl_report_hex(fl_report_key(&report, "digest"), r.digest, sizeof r.digest);
    fl_report_text(fl_report_key(&report, "words"), words);
    fl_roster_release(&r);
    return fl_report_end(&report, STDOUT_FILENO, "standard output");
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
