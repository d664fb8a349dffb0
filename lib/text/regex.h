/*
 * The regular expressions of a tokenizer.json, which are written for Oniguruma's Ruby syntax. Only
 * what means the same there and in Perl's is taken: literals, classes, general categories, \s \S
 * \d, groups, look-around, quantifiers. White space is the property White_Space, as in Oniguruma.
 * The rest is refused when the expression is made.
 *
 * A search is a backtracking one, as the order of alternatives demands, but none is tried twice at
 * one place: its time is that of the text times the states of the expression (at most
 * FL_REGEX_STATES), whatever both are; there is no limit at which a text is given up. Source:
 * Davis, Servant, Lee, "Using Selective Memoization to Defeat Regular Expression Denial of Service"
 * (2021); look-around and atomic groups as in Fujinami, Hasuo, "Efficient Matching with Memoization
 * for Regexes with Look-around and Atomic Grouping" (2024).
 */
#ifndef FL_TEXT_REGEX_H
#define FL_TEXT_REGEX_H

#include <stddef.h>

#include "base/must.h"

/* What GPT-2 cuts text with, and with it every byte-level tokenizer that names no other. */
#define FL_REGEX_GPT2                                                                              \
    "'s|'t|'re|'ve|'m|'ll|'d| ?\\p{L}+| ?\\p{N}+| ?[^\\s\\p{L}\\p{N}]+|\\s+(?!\\S)|\\s+"

enum { FL_REGEX_STATES = 10000 };

struct fl_regex;

/* NULL with an error that quotes the part which is not supported. */
struct fl_regex *fl_regex_new(const char *pattern);
void fl_regex_free(struct fl_regex *re);

/* A search of one text, and what one thread needs for it; NULL with an error. */
struct fl_regex_search;
struct fl_regex_search *fl_regex_search_new(void);
void fl_regex_search_free(struct fl_regex_search *s);

/* Begin with TEXT, which is UTF-8; RE and TEXT are borrowed until the next one begins. */
void fl_regex_search_start(struct fl_regex_search *s, const struct fl_regex *re, const char *text,
                           size_t len);

/*
 * The first match at or after FROM, which is where the match before ended: 1 with [*START, *END),
 * never empty; 0 when there is none; -1 with an error when memory is out: 24 bytes for each choice
 * that is open (of a loop over more than one class, each of its turns), and of a text that makes it
 * try much in vain a bit for each byte and state.
 */
FL_MUST int fl_regex_find(struct fl_regex_search *s, size_t from, size_t *start, size_t *end);

#endif
