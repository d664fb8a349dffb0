/*
 * The reading of a regular expression: a descent through its syntax, by which what does not mean
 * the same in Ruby's and in Perl's is refused.
 */
#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "base/mem.h"
#include "text/regex_parts.h"

enum { DEPTH_MAX = 100, COUNT_MAX = 1000 };

struct reader {
    struct fl_regex_tree *tree;
    const char *p; /* what is still to be read */
    int depth;     /* of groups */
};

static uint32_t read_choice(struct reader *r, bool folded);

/* Errors: 0, which is no part. */
static uint32_t
unsupported(const struct reader *r, const char *at)
{
    size_t len = strlen(at) < 6 ? strlen(at) : 6;

    fl_error(FL_FAILED, "the expression \"%.200s\" is not supported (from \"%.*s\" on)",
             r->tree->pattern, (int)len, at);
    return 0;
}

static uint32_t
wrong(const struct reader *r, const char *what)
{
    fl_error(FL_FAILED, "the expression \"%.200s\" is wrong: %s", r->tree->pattern, what);
    return 0;
}

uint32_t
fl_regex_too_large(const struct fl_regex_tree *tree)
{
    fl_error(FL_FAILED,
             "the expression \"%.200s\" is not supported: it is larger than %d parts, or %d deep",
             tree->pattern, (int)FL_REGEX_STATES, (int)DEPTH_MAX);
    return 0;
}

static uint32_t
add_part(struct reader *r, enum fl_regex_kind kind)
{
    if (r->tree->count >= FL_REGEX_STATES)
        return fl_regex_too_large(r->tree);
    struct fl_regex_part *parts = fl_grow(r->tree->parts, r->tree->count + 1, &r->tree->cap,
                                          sizeof *parts);
    if (!parts)
        return 0;
    r->tree->parts = parts;
    parts[++r->tree->count] = (struct fl_regex_part){.kind = kind};
    return (uint32_t)r->tree->count;
}

static struct fl_charset *
add_set(struct fl_regex_tree *tree, bool folded)
{
    struct fl_charset **sets = fl_grow(tree->sets, tree->set_count, &tree->set_cap, sizeof *sets);

    if (!sets)
        return NULL;
    tree->sets = sets;
    struct fl_charset *set = fl_alloc(1, sizeof *set);
    if (!set)
        return NULL;
    set->folded = folded;
    return sets[tree->set_count++] = set;
}

/* "\p{Lu}", "\P{L}" at R->p into SET. */
static int
read_category(struct reader *r, struct fl_charset *set)
{
    const char *e = r->p + 1; /* the p */
    size_t len = e[1] == '{' ? strcspn(e + 2, "}") : 0;
    uint32_t bits = len && len < 3 && e[2 + len] ? fl_charset_categories(e + 2, len) : 0;

    /* of letters in one case only it is not agreed what they mean without regard to case */
    if (!bits || (set->folded && len == 2 && e[2] == 'L' && strchr("ult", e[3]))) {
        unsupported(r, r->p);
        return -1;
    }
    set->categories |= *e == 'P' ? ~bits & FL_CHARSET_ALL : bits;
    r->p += 4 + len;
    return 0;
}

/*
 * An escape at R->p: 1 with a character that stands for itself in *POINT, 0 when it was a kind of
 * characters and is in SET, -1.
 */
static int
read_escape(struct reader *r, struct fl_charset *set, bool in_class, uint32_t *point)
{
    static const char control[] = "rntf", controls[] = "\r\n\t\f";
    char e = r->p[1];
    const char *which = e ? strchr(control, e) : NULL;

    if (e == 'p' || e == 'P')
        return read_category(r, set);
    if (e == 's' || (e == 'S' && !in_class) || e == 'd') {
        r->p += 2;
        set->negated = e == 'S';
        if (e != 'd')
            return fl_charset_add_spaces(set);
        set->categories |= fl_charset_categories("Nd", 2);
        return 0;
    }
    if (!which && (!e || !strchr(".,/\\-+*?()[]{}|'\"!#&:;<=>@_~^$%", e))) {
        unsupported(r, r->p);
        return -1;
    }
    *point = (unsigned char)(which ? controls[which - control] : e);
    r->p += 2;
    return 1;
}

/* A character or an escape at R->p, as read_escape. */
static int
read_point(struct reader *r, struct fl_charset *set, bool in_class, uint32_t *point)
{
    size_t size;

    if (*r->p == '\\')
        return read_escape(r, set, in_class, point);
    *point = fl_unicode_point((const unsigned char *)r->p, &size);
    r->p += size;
    return 1;
}

/* One member of a class, or a range of them. */
static int
read_member(struct reader *r, struct fl_charset *set)
{
    const char *start = r->p;
    uint32_t first = 0, last = 0;
    int got = read_point(r, set, true, &first);

    if (got < 1)
        return got;
    last = first;
    if (*r->p == '-' && r->p[1] != ']') {
        r->p++;
        if (!*r->p || *r->p == '-' || *r->p == '[' || (*r->p == '&' && r->p[1] == '&') ||
            (got = read_point(r, set, true, &last)) == 0) {
            unsupported(r, start);
            return -1;
        }
        if (got < 0)
            return -1;
        if (last < first) {
            wrong(r, "a range ends before it begins");
            return -1;
        }
    }
    return fl_charset_add(set, first, last);
}

static int
read_members(struct reader *r, struct fl_charset *set)
{
    const char *start = r->p++;
    bool negated = *r->p == '^';

    r->p += negated;
    for (const char *first = r->p; *r->p != ']' || r->p == first;) {
        bool lone = *r->p == '-' && r->p != first && r->p[1] != ']';
        if (!*r->p || *r->p == '[' || *r->p == ']' || lone || (*r->p == '&' && r->p[1] == '&')) {
            unsupported(r, start);
            return -1;
        }
        if (read_member(r, set))
            return -1;
    }
    r->p++;
    set->negated = negated;
    return 0;
}

/* A class, an escape or a character. */
static uint32_t
read_set(struct reader *r, bool folded)
{
    uint32_t at = add_part(r, FL_PART_SET), point = '\n';
    struct fl_charset *set = at ? add_set(r->tree, folded) : NULL;
    int got = 1;

    if (!set)
        return 0;
    r->tree->parts[at].set = set;
    if (*r->p == '[') {
        got = read_members(r, set);
    } else if (*r->p == '.') {
        set->negated = true;
        r->p++;
    } else {
        got = read_point(r, set, false, &point);
    }
    if (got < 0 || (got && fl_charset_add(set, point, point)))
        return 0;
    return at;
}

static uint32_t
read_group(struct reader *r, bool folded)
{
    static const struct {
        const char *text;
        enum fl_regex_kind kind;
        bool negated, folded;
    } kinds[] = {{"(?:", FL_PART_NOTHING, false, false},
                 {"(?i:", FL_PART_NOTHING, false, true},
                 {"(?=", FL_PART_LOOK_AHEAD, false, false},
                 {"(?!", FL_PART_LOOK_AHEAD, true, false},
                 {"(?<=", FL_PART_LOOK_BACK, false, false},
                 {"(?<!", FL_PART_LOOK_BACK, true, false},
                 {"(?>", FL_PART_ATOMIC, false, false},
                 {"(", FL_PART_NOTHING, false, false}};
    const char *start = r->p;
    size_t k = 0;

    while (strncmp(start, kinds[k].text, strlen(kinds[k].text)) != 0)
        k++;
    r->p += strlen(kinds[k].text);
    if (*r->p == '?')
        return unsupported(r, start);
    if (++r->depth > DEPTH_MAX)
        return fl_regex_too_large(r->tree);
    uint32_t child = read_choice(r, folded || kinds[k].folded);
    r->depth--;
    if (!child)
        return 0;
    if (*r->p != ')')
        return wrong(r, "a group has no end");
    r->p++;
    if (kinds[k].kind == FL_PART_NOTHING)
        return child;
    uint32_t at = add_part(r, kinds[k].kind);
    if (at) {
        r->tree->parts[at].child = child;
        r->tree->parts[at].negated = kinds[k].negated;
    }
    return at;
}

/* Can it match nothing? Of what looks about this is said too. */
static bool
may_be_empty(const struct reader *r, uint32_t at)
{
    const struct fl_regex_part *p = &r->tree->parts[at];
    bool any = false, all = true;

    for (uint32_t c = p->child; c; c = r->tree->parts[c].next) {
        bool empty = may_be_empty(r, c);
        any |= empty;
        all &= empty;
    }
    switch (p->kind) {
    case FL_PART_SET: return false;
    case FL_PART_SEQUENCE: return all;
    case FL_PART_CHOICE: return any;
    case FL_PART_REPEAT: return all || !p->min;
    case FL_PART_ATOMIC: return all;
    default: return true;
    }
}

/* "{2}", "{2,}" or "{2,3}" at R->p; what follows may not turn it into another kind in Ruby. */
static int
read_count(struct reader *r, struct fl_regex_part *repeat)
{
    char *end;
    unsigned long min = strtoul(r->p + 1, &end, 10), max = min;
    bool good = end > r->p + 1 && strchr("0123456789", r->p[1]);

    if (good && *end == ',') {
        const char *second = end + 1;
        max = strspn(second, "0123456789") ? strtoul(second, &end, 10) : FL_REGEX_NONE;
        if (max == FL_REGEX_NONE)
            end = (char *)second;
    }
    if (!good || *end != '}' || (end[1] && strchr("+?*{", end[1])) || min > COUNT_MAX ||
        (max > COUNT_MAX && max != FL_REGEX_NONE)) {
        unsupported(r, r->p);
        return -1;
    }
    if (max < min) {
        wrong(r, "a count ends before it begins");
        return -1;
    }
    repeat->min = (uint32_t)min;
    repeat->max = (uint32_t)max;
    r->p = end + 1;
    return 0;
}

/* The part AT with the quantifier at R->p, if one is there. */
static uint32_t
read_quantifier(struct reader *r, uint32_t at)
{
    struct fl_regex_part repeat = {.kind = FL_PART_REPEAT, .child = at, .max = FL_REGEX_NONE};
    const char *start = r->p;

    if (!*start || !strchr("?*+{", *start))
        return at;
    if (*start == '{') {
        if (read_count(r, &repeat))
            return 0;
    } else {
        repeat.min = *start == '+';
        if (*start == '?')
            repeat.max = 1;
        r->p++;
        repeat.mode = *r->p == '?'   ? FL_REGEX_LAZY
                      : *r->p == '+' ? FL_REGEX_POSSESSIVE
                                     : FL_REGEX_GREEDY;
        r->p += repeat.mode != FL_REGEX_GREEDY;
    }
    /* Of an empty turn of a loop it is not agreed what follows. */
    if ((*r->p && strchr("?*+{", *r->p)) || (repeat.max > 1 && may_be_empty(r, at)))
        return unsupported(r, start);
    uint32_t outer = add_part(r, FL_PART_REPEAT);
    if (outer)
        r->tree->parts[outer] = repeat;
    return outer;
}

/*
 * A look ahead at one character, LOOK, and then a character, AT: the character is of both sets (or
 * of one and not the other), so that a loop of such is a run of one set.
 */
static bool
fold_look(struct reader *r, uint32_t look, uint32_t at)
{
    const struct fl_regex_part *l = &r->tree->parts[look], *p = &r->tree->parts[at];

    if (l->kind != FL_PART_LOOK_AHEAD || r->tree->parts[l->child].kind != FL_PART_SET ||
        p->kind != FL_PART_SET || p->set->within)
        return false;
    p->set->within = r->tree->parts[l->child].set;
    p->set->outside = l->negated;
    return true;
}

static uint32_t
read_sequence(struct reader *r, bool folded)
{
    uint32_t first = 0, before = 0, last = 0;

    while (*r->p && *r->p != '|' && *r->p != ')') {
        if (strchr("^$?*+{", *r->p))
            return unsupported(r, r->p);
        uint32_t at = *r->p == '(' ? read_group(r, folded) : read_set(r, folded);
        if (!at || !(at = read_quantifier(r, at)))
            return 0;
        if (last && fold_look(r, last, at)) { /* the character stands where LAST stood */
            if (before)
                r->tree->parts[before].next = at;
            else
                first = at;
            last = at;
            continue;
        }
        if (last)
            r->tree->parts[last].next = at;
        else
            first = at;
        before = last;
        last = at;
    }
    if (first && first == last)
        return first;
    uint32_t all = add_part(r, first ? FL_PART_SEQUENCE : FL_PART_NOTHING);
    if (all)
        r->tree->parts[all].child = first;
    return all;
}

/* Alternatives, up to a closing parenthesis or the end. */
static uint32_t
read_choice(struct reader *r, bool folded)
{
    uint32_t first = read_sequence(r, folded), last = first;

    if (!first || *r->p != '|')
        return first;
    uint32_t all = add_part(r, FL_PART_CHOICE);
    if (!all)
        return 0;
    r->tree->parts[all].child = first;
    while (*r->p == '|') {
        r->p++;
        uint32_t at = read_sequence(r, folded);
        if (!at)
            return 0;
        r->tree->parts[last].next = at;
        last = at;
    }
    return all;
}

uint32_t
fl_regex_width(const struct fl_regex_tree *tree, uint32_t at)
{
    const struct fl_regex_part *p = &tree->parts[at];
    uint32_t sum = 0, same = 0;

    for (uint32_t c = p->child; c && p->kind != FL_PART_LOOK_AHEAD && p->kind != FL_PART_LOOK_BACK;
         c = tree->parts[c].next) {
        uint32_t w = fl_regex_width(tree, c);
        if (w == FL_REGEX_NONE || (p->kind == FL_PART_CHOICE && c != p->child && w != same))
            return FL_REGEX_NONE;
        sum += w;
        same = w;
    }
    if (p->kind == FL_PART_REPEAT)
        return p->min == p->max && (uint64_t)sum * p->min < FL_REGEX_STATES ? sum * p->min
                                                                            : FL_REGEX_NONE;
    return p->kind == FL_PART_SET ? 1 : p->kind == FL_PART_CHOICE ? same : sum;
}

int
fl_regex_read(const char *pattern, struct fl_regex_tree *tree)
{
    struct reader r = {tree, pattern, 0};

    tree->pattern = pattern;
    if (fl_unicode_check(pattern, strlen(pattern)) < strlen(pattern))
        wrong(&r, "it is not UTF-8");
    else
        tree->whole = read_choice(&r, false);
    if (!tree->whole)
        return -1;
    if (*r.p) {
        wrong(&r, "a group ends that did not begin");
        return -1;
    }
    if (may_be_empty(&r, tree->whole))
        return fl_error(FL_FAILED,
                        "the expression \"%.200s\" is not supported: it can match nothing",
                        pattern);
    return 0;
}

void
fl_regex_tree_release(struct fl_regex_tree *tree)
{
    for (size_t i = 0; i < tree->set_count; i++) {
        fl_charset_release(tree->sets[i]);
        free(tree->sets[i]);
    }
    free(tree->sets);
    free(tree->parts);
    *tree = (struct fl_regex_tree){0};
}
