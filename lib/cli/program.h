/*
 * The main function of every program: command line, run, one line of error, exit status.
 *
 * A program fills struct fl_program with its table of options (cli/option.h). Options that all
 * programs share (-h -V -q --progress, and by flag -o -j -z --seed --json) are added here, once.
 */
#ifndef FL_CLI_PROGRAM_H
#define FL_CLI_PROGRAM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include "base/must.h"
#include "base/version.h"
#include "cli/option.h"
#include "cli/report.h"

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
    const char *name;                /* "fl-diff" */
    const char *summary;             /* one line: what it makes of what */
    const char *operands;            /* "[UPDATE...]", "" when it takes none */
    size_t max_operands;             /* SIZE_MAX: any number */
    bool operands_are_text;          /* of the program itself, not names of its inputs */
    unsigned common;                 /* enum fl_common */
    const struct fl_option *options; /* its own; NULL: none */
    int (*run)(struct fl_cli *cli);  /* 0, or -1 with an error recorded */
};

/* What the command line said. */
struct fl_cli {
    const struct fl_program *program;
    const char **operands; /* NULL after the last */
    size_t operand_count;
    const char *output; /* -o, or NULL: standard output */
    int threads;        /* -j; 0: all cores */
    int level;          /* -z; 0: not compressed */
    bool quiet, json, seed_given;
    uint64_t seed;
};

/*
 * All of main: parse, run, print the error if there is one, return the exit status. SIGPIPE and
 * SIGXFSZ are turned into errors, so that outputs are cleaned up; by SIGPIPE the process ends then,
 * quietly. That an input changed while it was read is an error too (os/watch.h).
 */
FL_MUST int fl_main(int argc, char **argv, const struct fl_program *program);

/* One line on standard error after the program's name, not shown with -q: a warning. */
void fl_warn(const struct fl_cli *cli, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

/* One warning for each line of TEXT. */
void fl_warn_lines(const struct fl_cli *cli, const char *text);

/*
 * The end of R, which is about the program's output: written to where that does not go, standard
 * output, or standard error when -o names no file, and released. 0 or -1.
 */
FL_MUST int fl_report_beside(struct fl_report *r, const struct fl_cli *cli);

/* Print the completion of a program for "bash", "zsh" or "fish" on OUT; 0 or -1. */
FL_MUST int fl_print_completion(FILE *out, const struct fl_program *program,
                                const struct fl_option *common, const char *shell);

/*
 * No output replaces an input: of the files that this command line writes none may be one that it
 * reads, nor another one that it writes, by whatever name or link, nor lie in the folder in which a
 * key remembers its rounds. An option that says .replaceable is the exception. 0, or -1 (FL_USAGE).
 */
FL_MUST int fl_check_files(const struct fl_cli *cli, const struct fl_option *common);

#endif
