/*
 * Each version of the file is the one before and a line, put in its place in one step under the
 * lock of its part: a crash leaves the old one or the new one, and two programs at once add two
 * lines. The chain of hashes makes any change within it show.
 */
#include "sec/spent.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "base/mem.h"
#include "base/number.h"
#include "crypt/hash.h"
#include "crypt/secret.h"
#include "os/clock.h"
#include "os/file.h"
#include "priv/budget.h"
#include "sec/sign.h"

#define MAGIC "fl-ledger-v1 "

enum { WORDS = 10, HEX = 2 * FL_HASH_BYTES, MAGIC_LENGTH = sizeof MAGIC - 1 };

int
fl_spent_create(const char *path)
{
    unsigned char id[FL_HASH_BYTES];
    char text[MAGIC_LENGTH + HEX + 2] = MAGIC;

    fl_random_bytes(id, sizeof id);
    fl_hex(text + MAGIC_LENGTH, id, sizeof id);
    text[MAGIC_LENGTH + HEX] = '\n';
    return fl_output_write_file(path, text, MAGIC_LENGTH + HEX + 1,
                                FL_OUTPUT_SECRET | FL_OUTPUT_NEW);
}

void
fl_spent_release(struct fl_spent *s)
{
    if (s->out.name)
        fl_output_abort(&s->out);
    fl_buf_release(&s->text);
    free(s->words);
    free(s->lines);
    free(s->name);
    *s = (struct fl_spent){0};
}

/* ---- reading ---- */

static int
bad_line(const struct fl_spent *s, size_t number, const char *what)
{
    return fl_error(FL_REFUSED,
                    "%s: line %zu %s; somebody edited it, or put an older copy in its place: put "
                    "the newest copy back",
                    s->name, number, what);
}

/* H(-; LABEL; id, the hash before, the length and bytes of a text). */
static void
link_hash(const struct fl_spent *s, const char *label, const char *text, size_t len,
          unsigned char out[FL_HASH_BYTES])
{
    struct fl_hash h;

    fl_hash_init(&h, NULL, label);
    fl_hash_add(&h, s->id, sizeof s->id);
    fl_hash_add(&h, s->head, sizeof s->head);
    fl_hash_add_sized(&h, text, len);
    fl_hash_final(&h, out);
}

/* Is SIGNATURE the SIGNER's for the beginning of the line, LEN bytes? */
static bool
signed_by(const struct fl_spent *s, const char *line, size_t len, const char *signer,
          const char *signature)
{
    unsigned char key[FL_SIGN_PUBLIC], roster[32], root[32], sig[FL_SIGN_BYTES];
    uint64_t party;

    if (strlen(signer) < 2 * 64 + 3 || signer[64] != '.' || signer[129] != '.' ||
        strlen(signature) != 2 * sizeof sig || fl_unhex_secret(key, sizeof key, signer) ||
        fl_unhex_secret(roster, sizeof roster, signer + 65) ||
        fl_parse_u64(signer + 130, 0, UINT32_MAX, &party) ||
        fl_unhex_secret(sig, sizeof sig, signature))
        return false;
    link_hash(s, "fl1.ledgerline", line, len, root);
    return !fl_sig_check(sig, "ledger", roster, (uint32_t)party, root, key);
}

/* WORDS words with single spaces between them, in place; LINE ends in a zero. */
static int
cut(char *line, char *word[WORDS])
{
    size_t n = 0;

    for (char *at = line; at; n++) {
        if (n == WORDS || !*at || *at == ' ')
            return -1;
        word[n] = at;
        if ((at = strchr(at, ' ')))
            *at++ = '\0';
    }
    return n == WORDS ? 0 : -1;
}

static int
check_event(const char *event)
{
    struct fl_events events = {0};
    int failed = strcmp(event, "-") != 0 && fl_events_parse(&events, event);

    fl_events_release(&events);
    return failed ? -1 : 0;
}

/* RAW is the line as it is in the file, of LEN bytes; COPY the same, to be cut. */
static int
read_line(struct fl_spent *s, const char *raw, size_t len, char *copy)
{
    unsigned char want[FL_HASH_BYTES];
    char *word[WORDS], number[24], hash[HEX + 1];
    const size_t at = s->count + 1;

    if (memchr(raw, '\0', len) || cut(copy, word))
        return bad_line(s, at, "is not of the form of a ledger");
    snprintf(number, sizeof number, "%zu", at);
    if (strcmp(word[0], number))
        return bad_line(s, at, "has another number");
    link_hash(s, "fl1.ledger", raw, (size_t)(word[9] - 1 - copy), want);
    fl_hex(hash, want, sizeof want);
    if (strcmp(word[9], hash))
        return bad_line(s, at, "does not follow from the one before it");
    if (!strcmp(word[7], "-") != !strcmp(word[8], "-") ||
        (strcmp(word[7], "-") != 0 &&
         !signed_by(s, raw, (size_t)(word[8] - 1 - copy), word[7], word[8])))
        return bad_line(s, at, "has a signature that is not its signer's");
    if (check_event(word[5]))
        return bad_line(s, at, "has an event that this version does not know");
    struct fl_spent_line *lines = fl_grow(s->lines, s->count, &s->cap, sizeof *lines);
    if (!lines)
        return -1;
    s->lines = lines;
    s->lines[s->count] = (struct fl_spent_line){word[1], word[2], word[3], word[4], word[5], {0}};
    memcpy(s->lines[s->count++].hash, want, sizeof want);
    memcpy(s->head, want, sizeof want);
    return 0;
}

static int
read_head(struct fl_spent *s)
{
    const char *text = fl_buf_text(&s->text);

    if (s->text.len < MAGIC_LENGTH + HEX + 1 || memcmp(text, MAGIC, MAGIC_LENGTH) ||
        text[MAGIC_LENGTH + HEX] != '\n')
        return fl_error(FL_REFUSED,
                        "%s: is no ledger; fl-account --new-ledger FILE makes one, once for a text",
                        s->name);
    if (fl_unhex_secret(s->id, sizeof s->id, text + MAGIC_LENGTH))
        return fl_error(FL_REFUSED, "%s: its first line is damaged; put the newest copy back",
                        s->name);
    memcpy(s->head, s->id, sizeof s->head);
    return 0;
}

static int
read_all(struct fl_spent *s)
{
    if (read_head(s) || !(s->words = fl_strndup(fl_buf_text(&s->text), s->text.len)))
        return -1;
    for (size_t at = MAGIC_LENGTH + HEX + 1; at < s->text.len;) {
        const char *raw = fl_buf_text(&s->text) + at;
        const char *end = memchr(raw, '\n', s->text.len - at);
        if (!end)
            return bad_line(s, s->count + 1, "is cut off");
        size_t len = (size_t)(end - raw);
        s->words[at + len] = '\0';
        if (read_line(s, raw, len, s->words + at))
            return -1;
        at += len + 1;
    }
    return 0;
}

int
fl_spent_open(struct fl_spent *s, const char *path, bool lock)
{
    *s = (struct fl_spent){.out = FL_OUTPUT_INIT};
    if (fl_input_missing(path))
        return fl_error(FL_REFUSED,
                        "%s: there is no such ledger; put the newest copy back, or for a text of "
                        "which nothing was ever released make one: fl-account --new-ledger %s",
                        path, path);
    int failed = !(s->name = fl_strdup(path)) || fl_check_plain(path) ||
                 (lock && fl_output_open(&s->out, path, FL_OUTPUT_SECRET | FL_OUTPUT_WAIT)) ||
                 fl_read_file(path, FL_SPENT_MAX, &s->text) || read_all(s);
    if (failed)
        fl_spent_release(s);
    return failed ? -1 : 0;
}

/* ---- what it says ---- */

int
fl_spent_check_mark(const struct fl_spent *s, const struct fl_spent_mark *mark)
{
    if (fl_is_zero(mark->id, sizeof mark->id))
        return 0;
    if (memcmp(mark->id, s->id, sizeof s->id))
        return fl_error(FL_REFUSED,
                        "%s: is another ledger than the one of this key's earlier rounds; one text "
                        "has one ledger: put the newest copy of that back",
                        s->name);
    if (mark->count > s->count)
        return fl_error(FL_REFUSED,
                        "%s: has %zu lines, and this key saw %llu; it was restored or edited: put "
                        "the newest copy back",
                        s->name, s->count, (unsigned long long)mark->count);
    const unsigned char *hash = mark->count ? s->lines[mark->count - 1].hash : s->id;
    if (memcmp(hash, mark->head, 32))
        return bad_line(s, (size_t)mark->count, "is not the one that this key saw");
    return 0;
}

void
fl_spent_get_mark(const struct fl_spent *s, struct fl_spent_mark *mark)
{
    memcpy(mark->id, s->id, sizeof mark->id);
    memcpy(mark->head, s->head, sizeof mark->head);
    mark->count = s->count;
}

int
fl_spent_find(const struct fl_spent *s, struct fl_spent_line *line, bool *found)
{
    *found = false;
    for (size_t i = 0; i < s->count; i++) {
        const struct fl_spent_line *had = &s->lines[i];
        if (strcmp(had->kind, line->kind) || strcmp(had->tag, line->tag))
            continue;
        if ((line->input && strcmp(had->input, line->input)) || strcmp(had->unit, line->unit) ||
            strcmp(had->event, line->event))
            return fl_error(FL_REFUSED,
                            "%s: line %zu is of the same %s with another input or event; what was "
                            "released once is not released in another form",
                            s->name, i + 1, line->kind);
        memcpy(line->hash, had->hash, sizeof line->hash);
        *found = true;
    }
    return 0;
}

static void
fold(struct fl_events *events)
{
    size_t kept = 0;

    for (size_t i = 0; i < events->count; i++) {
        struct fl_event *e = &events->items[i];
        size_t k = 0;
        while (k < kept && !fl_event_same(&events->items[k], e))
            k++;
        if (k < kept)
            events->items[k].count += e->count;
        else
            events->items[kept++] = *e;
    }
    events->count = kept;
}

bool
fl_spent_costs(const struct fl_spent_line *line, const char *unit)
{
    const bool within = !strcmp(unit, "record") || !strcmp(unit, "passage");

    return strcmp(line->event, "-") != 0 &&
           (!strcmp(line->unit, unit) || (within && !strcmp(line->unit, "site")));
}

/*
 * A record more makes another update of its site, no longer than any: two such are twice as far
 * apart as the longest is from none, which is what EVENTS from number FIRST on hide.
 */
static int
replace_site(const struct fl_spent *s, struct fl_events *events, size_t first)
{
    for (size_t i = first; i < events->count; i++) {
        struct fl_event *e = &events->items[i];
        if (e->mechanism != FL_MECH_DGAUSS)
            return fl_error(FL_REFUSED,
                            "%s: hides a site by another noise than that of helpers, and what that "
                            "tells of a record is not known",
                            s->name);
        e->sens *= e->squares ? 4 : 2;
    }
    return 0;
}

int
fl_spent_events(const struct fl_spent *s, const char *unit, struct fl_events *events)
{
    for (size_t i = 0; i < s->count; i++) {
        const struct fl_spent_line *line = &s->lines[i];
        const size_t first = events->count;
        if (!fl_spent_costs(line, unit))
            continue;
        if (fl_events_parse(events, line->event) ||
            (strcmp(line->unit, unit) != 0 && replace_site(s, events, first)))
            return -1;
    }
    fold(events);
    return 0;
}

int
fl_spent_epsilon(const struct fl_spent *s, const char *unit, const char *more, double delta,
                 enum fl_accountant by, double *eps, uint64_t *releases)
{
    struct fl_events events = {0};
    uint64_t count = 0;
    int failed = fl_spent_events(s, unit, &events) || (more && fl_events_parse(&events, more));

    fold(&events);
    for (size_t i = 0; i < events.count; i++)
        count += events.items[i].count;
    *eps = 0;
    if (!failed && events.count)
        failed = fl_charge_by(&events, delta, by, eps);
    if (releases)
        *releases = count;
    fl_events_release(&events);
    return failed ? -1 : 0;
}

/* ---- adding ---- */

static int
add_signature(const struct fl_spent *s, struct fl_buf *line, const struct fl_spent_signer *by)
{
    char key[HEX + 1], roster[HEX + 1], hex[2 * FL_SIGN_BYTES + 1];
    unsigned char root[FL_HASH_BYTES], sig[FL_SIGN_BYTES];

    if (!by->key)
        return fl_buf_add_text(line, " - -");
    fl_hex(key, by->key->public, FL_SIGN_PUBLIC);
    fl_hex(roster, by->roster, FL_HASH_BYTES);
    if (fl_buf_printf(line, " %s.%s.%lu", key, roster, (unsigned long)by->party))
        return -1;
    link_hash(s, "fl1.ledgerline", fl_buf_text(line), line->len, root);
    fl_sig_make(sig, "ledger", by->roster, by->party, root, by->key->secret);
    fl_hex(hex, sig, sizeof sig);
    return fl_buf_printf(line, " %s", hex);
}

static int
make_line(const struct fl_spent *s, struct fl_spent_line *line, const struct fl_spent_signer *by,
          struct fl_buf *text)
{
    char now[FL_UTC_TEXT], hex[HEX + 1];

    if (fl_buf_printf(text, "%zu %s %s %s %s %s %s", s->count + 1, line->kind, line->tag,
                      line->input, line->unit, line->event, fl_utc_now(now)) ||
        add_signature(s, text, by))
        return -1;
    link_hash(s, "fl1.ledger", fl_buf_text(text), text->len, line->hash);
    fl_hex(hex, line->hash, sizeof line->hash);
    return fl_buf_printf(text, " %s\n", hex);
}

/* Read what was just put in place, as anybody will. */
static int
reread(struct fl_spent *s, const struct fl_buf *line)
{
    struct fl_buf text = s->text;

    s->text = (struct fl_buf){0};
    free(s->words);
    s->words = NULL;
    s->count = 0;
    if (fl_buf_add(&text, line->data, line->len)) {
        fl_buf_release(&text);
        return -1;
    }
    s->text = text;
    return read_all(s);
}

int
fl_spent_add(struct fl_spent *s, struct fl_spent_line *line, const struct fl_spent_signer *by)
{
    struct fl_buf text = {0};
    int failed = make_line(s, line, by, &text) ||
                 fl_output_write(&s->out, s->text.data, s->text.len) ||
                 fl_output_write(&s->out, text.data, text.len) || fl_output_commit(&s->out) ||
                 reread(s, &text);

    fl_buf_release(&text);
    return failed ? -1 : 0;
}
