/*
 * The regular expressions of a tokenizer.json, which are written for Oniguruma's Ruby syntax, run
 * by PCRE2. Only what means the same in both is taken: literals, classes, general categories, \s \S
 * \d, groups, look-around, quantifiers. White space is the property White_Space, as in Oniguruma.
 * The rest is refused when the expression is made.
 */
#ifndef FL_TEXT_REGEX_H
#define FL_TEXT_REGEX_H

#include <stddef.h>

/* What GPT-2 cuts text with, and with it every byte-level tokenizer that names no other. */
#define FL_REGEX_GPT2                                                                              \
    "'s|'t|'re|'ve|'m|'ll|'d| ?\\p{L}+| ?\\p{N}+| ?[^\\s\\p{L}\\p{N}]+|\\s+(?!\\S)|\\s+"

struct fl_regex;

/* NULL with an error that quotes the part which is not supported. */
struct fl_regex *fl_regex_new(const char *pattern);
void fl_regex_free(struct fl_regex *re);

/* What one thread needs to match any of them; NULL with an error. */
struct fl_regex_scratch;
struct fl_regex_scratch *fl_regex_scratch_new(void);
void fl_regex_scratch_free(struct fl_regex_scratch *s);

/*
 * The first match in TEXT, which is UTF-8, at or after FROM: 1 with [*START, *END), never empty; 0
 * when there is none; -1 with an error when the search costs too much.
 */
int fl_regex_find(const struct fl_regex *re, struct fl_regex_scratch *s, const char *text,
                  size_t len, size_t from, size_t *start, size_t *end);

#endif
