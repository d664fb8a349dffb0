/*
 * The command line of every program, from one table: parser, --help, completions.
 *
 * A program fills struct fl_program with its options; values go to where the table points. Options
 * that all programs share (-h -V -q --progress, and by flag -o -j -z --seed --json) are here once.
 * POSIX rules: options before, between or after operands, "--" ends them, short flags cluster, an
 * argument may be glued to a short option (-j2) or follow "=" behind a long one.
 */
#ifndef FL_CLI_PROGRAM_H
#define FL_CLI_PROGRAM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define FL_VERSION "0.1.0"

enum fl_option_type {
    FL_OPT_END,    /* ends the table */
    FL_OPT_FLAG,   /* bool */
    FL_OPT_TEXT,   /* const char * */
    FL_OPT_FILE,   /* const char *, completed with file names */
    FL_OPT_CHOICE, /* const char *, one of the words in .choices ("a|b|c") */
    FL_OPT_I64,    /* int64_t within .min and .max */
    FL_OPT_F64,    /* double within .min and .max */
    FL_OPT_SIZE,   /* uint64_t, suffixes k M G T; at least .min, at most .max (0: no bound) */
    FL_OPT_LIST    /* struct fl_option_list: may be given many times */
};

struct fl_option_list {
    const char **items; /* borrowed from argv; the array is freed by fl_main */
    size_t count, cap;
};

struct fl_option {
    char letter;               /* 0: none */
    const char *name;          /* long name, without dashes */
    enum fl_option_type type;
    const char *arg;           /* what stands for the argument in the help, "FILE" */
    const char *help;          /* one line; say the default */
    void *value;               /* where the value goes; holds the default before */
    double min, max;           /* I64 and F64; both 0: any */
    const char *choices;
    bool *given;               /* set when the option was there; may be NULL */
};

enum fl_common {
    FL_HAS_OUTPUT = 1,    /* -o FILE */
    FL_HAS_THREADS = 2,   /* -j N */
    FL_HAS_LEVEL = 4,     /* -z[LEVEL]: a writer of streams */
    FL_HAS_SEED = 8,      /* --seed N */
    FL_REFUSES_SEED = 16, /* --seed is refused (2): secrecy needs fresh randomness */
    FL_HAS_JSON = 32      /* --json: reports as JSON Lines */
};

struct fl_cli;

struct fl_program {
    const char *name;                    /* "fl-diff" */
    const char *summary;                 /* one line: what it makes of what */
    const char *operands;                /* "[UPDATE...]", "" when it takes none */
    size_t max_operands;                 /* SIZE_MAX: any number */
    unsigned common;                     /* enum fl_common */
    const struct fl_option *options;     /* its own; ends with FL_OPT_END */
    int (*run)(struct fl_cli *cli);      /* 0, or -1 with an error recorded */
};

struct fl_cli {
    const struct fl_program *program;
    const char **operands; /* NULL behind the last */
    size_t operand_count;
    const char *output;    /* -o, or NULL: standard output */
    int threads;           /* -j; 0: all cores */
    int level;             /* -z; 0: not compressed */
    int progress;          /* -1 with -q, 1 with --progress, else 0: for fl_progress_start */
    bool quiet, json, seed_given;
    uint64_t seed;
};

/*
 * All of main: parse, run, print the error if there is one, return the exit status. SIGPIPE is
 * turned into an error, so that outputs are cleaned up; then the process ends by it, quietly.
 */
int fl_main(int argc, char **argv, const struct fl_program *program);

/* One line on standard error behind the program's name, not shown with -q: a warning. */
void fl_warn(const struct fl_cli *cli, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

/* Print the completion of a program for "bash", "zsh" or "fish" on standard output; 0 or -1. */
int fl_print_completion(const struct fl_program *program, const struct fl_option *common,
                        const char *shell);

#endif
