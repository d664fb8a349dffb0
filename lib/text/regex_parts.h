/*
 * The inside of a regular expression, for regex_tree.c, which reads it, regex.c, which makes a
 * machine of it, and regex_match.c, which runs that. A state stands for what is left of the
 * expression.
 */
#ifndef FL_TEXT_REGEX_PARTS_H
#define FL_TEXT_REGEX_PARTS_H

#include "base/must.h"
#include "text/charset.h"
#include "text/regex.h"

#define FL_REGEX_NONE UINT32_MAX

enum { FL_REGEX_BRANCHES = 32, FL_REGEX_END = 256 }; /* of a fork; the "byte" after a text */

enum fl_regex_kind {
    FL_PART_NOTHING,
    FL_PART_SET,
    FL_PART_SEQUENCE,
    FL_PART_CHOICE,
    FL_PART_REPEAT,
    FL_PART_LOOK_AHEAD,
    FL_PART_LOOK_BACK,
    FL_PART_ATOMIC
};

enum fl_regex_mode { FL_REGEX_GREEDY, FL_REGEX_LAZY, FL_REGEX_POSSESSIVE };

struct fl_regex_part {
    enum fl_regex_kind kind;
    bool negated;            /* LOOK_AHEAD, LOOK_BACK */
    struct fl_charset *set;  /* SET */
    uint32_t min, max;       /* REPEAT; FL_REGEX_NONE: without end */
    enum fl_regex_mode mode; /* REPEAT */
    uint32_t child, next;    /* the first part in it, the one after it in the same; 0: none */
};

struct fl_regex_tree { /* a zeroed struct can be released */
    const char *pattern;
    struct fl_regex_part *parts; /* from 1 on */
    size_t count, cap;
    uint32_t whole;
    struct fl_charset **sets; /* of the parts; what one lies within was made before it */
    size_t set_count, set_cap;
};

/* The parts of PATTERN, which is borrowed; their sets are not finished yet. */
FL_MUST int fl_regex_read(const char *pattern, struct fl_regex_tree *tree);
void fl_regex_tree_release(struct fl_regex_tree *tree);

/* Characters that the part AT matches, when they are always as many; else FL_REGEX_NONE. */
uint32_t fl_regex_width(const struct fl_regex_tree *tree, uint32_t at);

/* An error that says so; returns 0. */
uint32_t fl_regex_too_large(const struct fl_regex_tree *tree);

enum fl_regex_op {
    FL_REGEX_ACCEPT,
    FL_REGEX_TAKE, /* a character of SET */
    FL_REGEX_FORK, /* to one of several states, tried in order */
    FL_REGEX_RUN,  /* characters of SET, as many as there are, or one fewer, and so on */
    FL_REGEX_HOLD, /* characters of SET, as many as there are and no fewer */
    FL_REGEX_PEEK, /* the next character is one of SET; negated: it is not, or there is none */
    FL_REGEX_LOOK, /* BODY finds something from here; negated: nothing */
    FL_REGEX_ATOM, /* the first that BODY finds from here, and nothing else */
    FL_REGEX_BACK  /* COUNT characters back */
};

struct fl_regex_state {
    enum fl_regex_op op;
    bool negated;
    const struct fl_charset *set;
    const struct fl_regex_fork *fork; /* of RUN: its only branch is NEXT */
    uint32_t next, body, count;
    uint32_t memo; /* number among the states whose failures are remembered, or FL_REGEX_NONE */
    uint32_t ends; /* among those in a BODY, whose successes are too, or FL_REGEX_NONE */
};

struct fl_regex_fork {
    uint32_t may[FL_REGEX_END + 1]; /* by the next byte: the branches that can go on, as bits */
    uint32_t branch[FL_REGEX_BRANCHES];
    size_t count;
};

struct fl_regex {
    struct fl_regex_tree tree;
    struct fl_regex_state *states;
    size_t count, cap;
    uint32_t start;
    struct fl_regex_fork first; /* its only branch is START */
    uint32_t memos, ends;       /* how many states have such numbers */
    struct fl_regex_fork **forks;
    size_t fork_count, fork_cap;
};

/* For tests: let all searches remember from the first failure on; steps since a text began. */
void fl_regex_search_remember(struct fl_regex_search *s);
uint64_t fl_regex_search_steps(const struct fl_regex_search *s);

#endif
