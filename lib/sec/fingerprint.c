#include "sec/fingerprint.h"

#include <string.h>

#include "base/bytes.h"
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

int
fl_fingerprint_check(const char *typed, const unsigned char roster[32])
{
    char want[FL_FINGERPRINT_TEXT], got[FL_FINGERPRINT_TEXT] = "";
    size_t n = 0;

    fl_fingerprint_text(want, roster);
    for (const char *p = typed; *p; p++) {
        int c = *p >= 'A' && *p <= 'Z' ? *p - 'A' + 'a' : *p;
        if (strchr(" \t\r\n,-", c)) {
            if (!n || got[n - 1] == ' ')
                continue;
            c = ' ';
        }
        if (n + 1 >= sizeof got && c != ' ')
            return fl_error(FL_REFUSED, "there are more than the %d words of a "
                                        "fingerprint", FL_FINGERPRINT_WORDS);
        if (n + 1 < sizeof got)
            got[n++] = (char)c;
    }
    while (n && got[n - 1] == ' ')
        got[--n] = '\0';
    if (strcmp(got, want))
        return fl_error(FL_REFUSED, "the words are not those of this roster: somebody holds "
                                    "another one; compare the files before anybody accepts");
    return 0;
}
