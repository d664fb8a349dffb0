/*
 * Words are compared one by one, so that a mistyped one is named; where words of another roster
 * were given, nothing of the right ones is shown, since the whole point is that they come from a
 * person.
 */
#include "sec/fingerprint.h"

#include <ctype.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/error.h"
#include "base/mem.h"
#include "crypt/hash.h"
#include "flt/sniff.h"
#include "os/file.h"
#include "os/progress.h"

enum { WORD = 5 }; /* letters */

static const char consonants[] = "bdfghjklmnprstvz", vowels[] = "aiou";

void
fl_fingerprint_text(char text[FL_FINGERPRINT_TEXT], const unsigned char roster[32])
{
    unsigned char hash[FL_HASH_BYTES];

    fl_hash_once(hash, NULL, "fl1.words", roster, 32);
    for (int i = 0; i < FL_FINGERPRINT_WORDS; i++) {
        unsigned v = (unsigned)hash[2 * i] << 8 | hash[2 * i + 1];
        *text++ = consonants[v >> 12];
        *text++ = vowels[v >> 10 & 3];
        *text++ = consonants[v >> 6 & 15];
        *text++ = vowels[v >> 4 & 3];
        *text++ = consonants[v & 15];
        *text++ = i + 1 < FL_FINGERPRINT_WORDS ? ' ' : '\0';
    }
}

/* One run of letters in what was given. */
struct token {
    const char *text;
    size_t len;
};

static bool
is_word(const struct token *t, const char *word)
{
    bool same = t->len == WORD;

    for (size_t i = 0; i < t->len && same; i++)
        same = tolower((unsigned char)t->text[i]) == word[i];
    return same;
}

/* All runs of letters in TEXT: *COUNT of them, in memory that the caller frees. */
static struct token *
split(const char *text, size_t *count)
{
    struct token *tokens = fl_alloc(strlen(text) / 2 + 1, sizeof *tokens);

    *count = 0;
    while (tokens && *text) {
        struct token t = {text, 0};
        while (isalpha((unsigned char)text[t.len]))
            t.len++;
        if (t.len)
            tokens[(*count)++] = t;
        text += t.len ? t.len : 1;
    }
    return tokens;
}

/* Of the WORDS, how many are where they belong when the first one would be token FROM? */
static int
in_place(const struct token *tokens, size_t count, size_t from, const char *words)
{
    int same = 0;

    for (size_t i = 0; i < FL_FINGERPRINT_WORDS && from + i < count; i++)
        same += is_word(&tokens[from + i], words + i * (WORD + 1));
    return same;
}

/*
 * Words that are nearly these: one was mistyped, left out or given twice. They are then somebody's
 * who holds this roster, since nobody finds another one that shares half of them. The number of the
 * first wrong one from 1, and what stands in its place in *WRONG; 0: they are others'.
 */
static size_t
mistyped(const struct token *tokens, size_t count, const char *words, struct token *wrong)
{
    size_t best = 0, first = 0;
    int most = 0;

    for (size_t from = 0; from < count; from++) {
        int same = in_place(tokens, count, from, words);
        best = same > most ? from : best;
        most = same > most ? same : most;
        size_t n = 0; /* in a row from the first one on */
        while (n < FL_FINGERPRINT_WORDS && from + n < count &&
               is_word(&tokens[from + n], words + n * (WORD + 1)))
            n++;
        first = n > first ? n : first;
    }
    *wrong = (struct token){"", 0};
    if (2 * most < FL_FINGERPRINT_WORDS) /* shifted after one that is missing or too many? */
        return 2 * first >= FL_FINGERPRINT_WORDS ? first + 1 : 0;
    size_t i = 0;
    while (best + i < count && is_word(&tokens[best + i], words + i * (WORD + 1)))
        i++;
    if (best + i < count)
        *wrong = tokens[best + i];
    return i + 1;
}

/* A word of some roster's fingerprint, by its letters. */
static bool
is_proquint(const struct token *t)
{
    bool like = t->len == WORD;

    for (size_t i = 0; i < t->len && like; i++)
        like = strchr(i % 2 ? vowels : consonants, tolower((unsigned char)t->text[i])) != NULL;
    return like;
}

/* Are there the words of any roster? */
static bool
holds_fingerprint(const struct token *tokens, size_t count)
{
    size_t row = 0;

    for (size_t i = 0; i < count && row < FL_FINGERPRINT_WORDS; i++)
        row = is_proquint(&tokens[i]) ? row + 1 : 0;
    return row == FL_FINGERPRINT_WORDS;
}

static int
refuse(const struct token *tokens, size_t count, const char *words)
{
    struct token wrong;
    size_t number = mistyped(tokens, count, words, &wrong);

    if (number && wrong.len)
        fl_error(FL_REFUSED, "word %zu, \"%.*s\", is not that of this roster", number,
                 (int)(wrong.len < 40 ? wrong.len : 40), wrong.text);
    else if (number)
        fl_error(FL_REFUSED, "word %zu of this roster is missing or not in its place", number);
    else if (!holds_fingerprint(tokens, count))
        fl_error(FL_REFUSED, "does not hold the %d words of a fingerprint", FL_FINGERPRINT_WORDS);
    else
        return fl_error(FL_REFUSED,
                        "the words are not those of this roster: somebody holds another "
                        "one; compare the files before anybody accepts");
    return fl_error_cure("give all %d words as another member reads them out, or what fl-keygen "
                         "--show prints there",
                         FL_FINGERPRINT_WORDS);
}

int
fl_fingerprint_read(const char *path, struct fl_buf *text)
{
    char what[FL_SNIFF_TEXT];
    int result = fl_read_file(path, 65536, text);

    if (text->len && fl_sniff_own(text->data, text->len, what))
        return fl_error(FL_FAILED, "%s: is %s; the words of a roster's fingerprint are expected",
                        path, what);
    return result;
}

int
fl_fingerprint_check(const char *text, const unsigned char roster[32])
{
    char words[FL_FINGERPRINT_TEXT];
    size_t count;
    struct token *tokens = split(text, &count);
    int result = -1;

    if (!tokens)
        return -1;
    fl_fingerprint_text(words, roster);
    for (size_t from = 0; result && from < count; from++)
        if (in_place(tokens, count, from, words) == FL_FINGERPRINT_WORDS)
            result = 0;
    if (result)
        refuse(tokens, count, words);
    free(tokens);
    return result;
}

/* ---- from people ---- */

static int
type_words(struct fl_buf *text)
{
    char line[512];

    if (!isatty(STDIN_FILENO))
        return fl_error(FL_USAGE, "standard input is no terminal to type the roster's words on; "
                                  "give them with --words FILE");
    ssize_t n = snprintf(line, sizeof line,
                         "If this is what was agreed on, let another member read you the %d words "
                         "of its fingerprint, and type them:\n",
                         FL_FINGERPRINT_WORDS);
    fl_say(line);
    while (n > 0 && text->len < FL_FINGERPRINT_TEXT - 1) {
        n = fl_read_some(STDIN_FILENO, "standard input", line, sizeof line);
        if (n < 0 || fl_buf_add(text, line, (size_t)n))
            return -1;
    }
    return 0;
}

/* The words that somebody else read out; who is asked to type them is not shown them. */
int
fl_fingerprint_ask(const unsigned char roster[32], const char *words, const char *file)
{
    struct fl_buf text = {0};
    int result = words ? fl_fingerprint_read(words, &text) : type_words(&text);

    if (!result && fl_fingerprint_check(fl_buf_text(&text), roster))
        result = fl_error_about(words ? words : file);
    fl_buf_release(&text);
    return result;
}
