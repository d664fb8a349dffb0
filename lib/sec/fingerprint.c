#include "sec/fingerprint.h"

#include <ctype.h>
#include <stdbool.h>
#include <stddef.h>

#include "base/error.h"
#include "crypt/hash.h"

void
fl_fingerprint_text(char text[FL_FINGERPRINT_TEXT], const unsigned char roster[32])
{
    static const char consonants[] = "bdfghjklmnprstvz", vowels[] = "aiou";
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

/* The letters that begin at *TEXT are WORD, and no more; *TEXT moves behind them. */
static bool
take_word(const char **text, const char *word)
{
    size_t n = 0;

    while (isalpha((unsigned char)(*text)[n]))
        n++;
    bool same = n == 5;
    for (size_t i = 0; i < n && same; i++)
        same = tolower((unsigned char)(*text)[i]) == word[i];
    *text += n;
    return same;
}

static const char *
skip_gap(const char *text)
{
    while (*text && !isalpha((unsigned char)*text))
        text++;
    return text;
}

int
fl_fingerprint_check(const char *text, const unsigned char roster[32])
{
    char words[FL_FINGERPRINT_TEXT];

    fl_fingerprint_text(words, roster);
    for (const char *from = skip_gap(text); *from; from = skip_gap(from)) {
        const char *at = from;
        int i = 0;
        while (i < FL_FINGERPRINT_WORDS && take_word(&at, words + (size_t)i * 6)) {
            at = skip_gap(at);
            i++;
        }
        if (i == FL_FINGERPRINT_WORDS)
            return 0;
        take_word(&from, words);
    }
    return fl_error(FL_REFUSED, "the words are not those of this roster: somebody holds another "
                                "one; compare the files before anybody accepts");
}
