/*
 * Options of a command line, as a table: the parser, --help, completions and the rule that no
 * output replaces an input all read it. A row is made by one macro a kind:
 *
 *     FL_OPT_FLAG(letter, "name", "help", &bool)
 *     FL_OPT_TEXT(letter, "name", "ARG", "help", &text)          and INPUT, OUTPUT, KEY, FOLDER
 *     FL_OPT_CHOICE(letter, "name", "ARG", "a|b|c", "help", &text)
 *     FL_OPT_I64(letter, "name", "ARG", min, max, "help", &i64)   and F64, SIZE
 *     FL_OPT_LIST(letter, "name", "ARG", "help", &list)           and INPUTS; given many times
 *     FL_OPT_END
 *
 * letter 0 is none; the help is one line that says the default; the value holds the default before,
 * and its type is checked by the compiler. Further members may follow the value, by name: .given.
 */
#ifndef FL_CLI_OPTION_H
#define FL_CLI_OPTION_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/must.h"

enum fl_option_type {
    FL_OPTION_END,
    FL_OPTION_FLAG,
    FL_OPTION_TEXT,
    FL_OPTION_INPUT,  /* a file that is read */
    FL_OPTION_OUTPUT, /* a file that is written (and perhaps read before: a checkpoint) */
    FL_OPTION_KEY,    /* a secret key, read; beside it is the folder of its state */
    FL_OPTION_FOLDER, /* of a key's state */
    FL_OPTION_CHOICE, /* one of the words in .choices, "a|b|c" */
    FL_OPTION_I64,    /* within min and max; both 0: any */
    FL_OPTION_F64,
    FL_OPTION_SIZE, /* bytes, suffixes k M G T; max 0: no bound */
    FL_OPTION_LIST,
    FL_OPTION_INPUTS
};

struct fl_option_list {
    const char **items; /* borrowed from argv; the array is freed by fl_main */
    size_t count, cap;
};

struct fl_option {
    char letter;
    const char *name; /* long name, without dashes */
    enum fl_option_type type;
    const char *arg; /* what stands for the argument in the help, "FILE"; NULL for a flag */
    const char *help;
    double min, max;
    const char *choices;
    union {
        bool *flag;
        const char **text;
        int64_t *i64;
        double *f64;
        uint64_t *size;
        struct fl_option_list *list;
    } value;
    bool *given;      /* set when the option was there; may be NULL */
    bool replaceable; /* an input that -o may replace */
};

#define FL_OPTION_ROW(letter_, name_, type_, arg_, help_)                                          \
    .letter = (letter_), .name = (name_), .type = (type_), .arg = (arg_), .help = (help_)

#define FL_OPT_FLAG(letter, name, help, ...)                                                       \
    {                                                                                              \
        FL_OPTION_ROW(letter, name, FL_OPTION_FLAG, NULL, help), .value.flag = __VA_ARGS__         \
    }
#define FL_OPT_TEXT(letter, name, arg, help, ...)                                                  \
    {                                                                                              \
        FL_OPTION_ROW(letter, name, FL_OPTION_TEXT, arg, help), .value.text = __VA_ARGS__          \
    }
#define FL_OPT_INPUT(letter, name, arg, help, ...)                                                 \
    {                                                                                              \
        FL_OPTION_ROW(letter, name, FL_OPTION_INPUT, arg, help), .value.text = __VA_ARGS__         \
    }
#define FL_OPT_OUTPUT(letter, name, arg, help, ...)                                                \
    {                                                                                              \
        FL_OPTION_ROW(letter, name, FL_OPTION_OUTPUT, arg, help), .value.text = __VA_ARGS__        \
    }
#define FL_OPT_KEY(letter, name, arg, help, ...)                                                   \
    {                                                                                              \
        FL_OPTION_ROW(letter, name, FL_OPTION_KEY, arg, help), .value.text = __VA_ARGS__           \
    }
#define FL_OPT_FOLDER(letter, name, arg, help, ...)                                                \
    {                                                                                              \
        FL_OPTION_ROW(letter, name, FL_OPTION_FOLDER, arg, help), .value.text = __VA_ARGS__        \
    }
#define FL_OPT_CHOICE(letter, name, arg, choices_, help, ...)                                      \
    {                                                                                              \
        FL_OPTION_ROW(letter, name, FL_OPTION_CHOICE, arg, help), .choices = (choices_),           \
                                                                  .value.text = __VA_ARGS__        \
    }
#define FL_OPT_I64(letter, name, arg, min_, max_, help, ...)                                       \
    {                                                                                              \
        FL_OPTION_ROW(letter, name, FL_OPTION_I64, arg, help),                                     \
            .min = (double)(min_), .max = (double)(max_), .value.i64 = __VA_ARGS__                 \
    }
#define FL_OPT_F64(letter, name, arg, min_, max_, help, ...)                                       \
    {                                                                                              \
        FL_OPTION_ROW(letter, name, FL_OPTION_F64, arg, help),                                     \
            .min = (double)(min_), .max = (double)(max_), .value.f64 = __VA_ARGS__                 \
    }
#define FL_OPT_SIZE(letter, name, arg, min_, max_, help, ...)                                      \
    {                                                                                              \
        FL_OPTION_ROW(letter, name, FL_OPTION_SIZE, arg, help),                                    \
            .min = (double)(min_), .max = (double)(max_), .value.size = __VA_ARGS__                \
    }
#define FL_OPT_LIST(letter, name, arg, help, ...)                                                  \
    {                                                                                              \
        FL_OPTION_ROW(letter, name, FL_OPTION_LIST, arg, help), .value.list = __VA_ARGS__          \
    }
#define FL_OPT_INPUTS(letter, name, arg, help, ...)                                                \
    {                                                                                              \
        FL_OPTION_ROW(letter, name, FL_OPTION_INPUTS, arg, help), .value.list = __VA_ARGS__        \
    }
#define FL_OPT_END                                                                                 \
    {                                                                                              \
        .type = FL_OPTION_END                                                                      \
    }

/* Is the argument a name of a file or a folder? */
bool fl_option_is_path(const struct fl_option *option);

/* Is it given once for each of many values? */
bool fl_option_is_list(const struct fl_option *option);

/* What a parse reads and fills. The operands have room for argc of them and a NULL. */
struct fl_options {
    const struct fl_option *own, *common;
    const char **operands;
    size_t operand_count;
    const char *completion; /* --completion SHELL: not in the tables, for the Makefile alone */
};

/*
 * Take the command line apart. POSIX rules: options before, between or after operands, "--" ends
 * them, short flags cluster, an argument may be glued to a short option (-j2) or follow "=" after a
 * long one; -z takes one only if it is glued. 0, or -1 (FL_USAGE), with the nearest known option
 * named when there is none of the name.
 */
FL_MUST int fl_options_parse(struct fl_options *options, int argc, char **argv);

#endif
