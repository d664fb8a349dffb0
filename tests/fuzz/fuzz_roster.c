/*
 * Any bytes as a roster, canonical or YAML, and as a public line: no crash, no leak, and what is
 * accepted is what its canonical form says. The first byte chooses.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "crypt/secret.h"
#include "sec/roster.h"

int LLVMFuzzerInitialize(int *argc, char ***argv);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int
LLVMFuzzerInitialize(int *argc, char ***argv)
{
    (void)argc;
    (void)argv;
    return fl_crypt_init();
}

static void
check_roster(struct fl_roster *r)
{
    struct fl_roster again;

    if (r->n < FL_SITES_MIN || r->n > FL_SITES_MAX || r->m > FL_COMMITTEE_MAX ||
        fl_roster_decode(&again, r->canonical.data, r->canonical.len) ||
        memcmp(again.digest, r->digest, sizeof r->digest))
        abort();
    fl_roster_release(&again);
    fl_roster_release(r);
}

static void
try_line(const uint8_t *data, size_t size)
{
    char *text = malloc(size + 1);
    struct fl_line line, again;

    memcpy(text, data, size);
    text[size] = '\0';
    if (!fl_line_parse(&line, text) &&
        (fl_line_parse(&again, line.text) || memcmp(&line, &again, sizeof line)))
        abort();
    free(text);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct fl_roster_conf conf;
    struct fl_roster r;

    if (!size)
        return 0;
    fl_error_clear();
    if (data[0] == 'c' && !fl_roster_decode(&r, data + 1, size - 1))
        check_roster(&r);
    if (data[0] == 'y' && !fl_roster_conf_parse(&conf, (const char *)data + 1, size - 1, "fuzz")) {
        if (!fl_roster_from_conf(&r, &conf))
            check_roster(&r);
        fl_roster_conf_release(&conf);
    }
    if (data[0] == 'l')
        try_line(data + 1, size - 1);
    return 0;
}
