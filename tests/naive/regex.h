/* PCRE2's interpreter in place of text/regex.h. */
#ifndef FL_NAIVE_REGEX_H
#define FL_NAIVE_REGEX_H

#include <stddef.h>

struct naive_regex;

/* NULL when PATTERN is not taken, or can match nothing. */
struct naive_regex *naive_regex_new(const char *pattern);
void naive_regex_free(struct naive_regex *re);

/*
 * The first match at or behind FROM: 1, 0, or -1 when it gives up
 * after 50,000 steps. */
int naive_regex_find(struct naive_regex *re, const char *text, size_t len, size_t from,
                     size_t *start, size_t *end);

#endif
