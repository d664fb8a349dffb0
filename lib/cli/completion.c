/*
 * Completions of bash, zsh and fish, written from the option table (fl-x --completion SHELL).
 */
#include "cli/program.h"

#include <ctype.h>
#include <stdio.h>
#include <string.h>

#include "base/choice.h"
#include "base/error.h"

typedef void print_option(FILE *out, const struct fl_program *program, const struct fl_option *o);

static void
each(FILE *out, const struct fl_program *program, const struct fl_option *common,
     print_option *print)
{
    for (const struct fl_option *o = program->options; o && o->type != FL_OPTION_END; o++)
        print(out, program, o);
    for (const struct fl_option *o = common; o->type != FL_OPTION_END; o++)
        print(out, program, o);
}

/* Text with the characters that SPECIAL names after a backslash. */
static void
put_escaped(FILE *out, const char *text, const char *special)
{
    for (; *text; text++) {
        if (strchr(special, *text))
            putc('\\', out);
        putc(*text, out);
    }
}

static void
put_words(FILE *out, const char *choices, char between)
{
    for (; *choices; choices++)
        putc(*choices == '|' ? between : *choices, out);
}

static void
bash_word(FILE *out, const struct fl_program *program, const struct fl_option *o)
{
    (void)program;
    if (o->letter)
        fprintf(out, " -%c", o->letter);
    fprintf(out, " --%s", o->name);
}

static void
bash_case(FILE *out, const struct fl_program *program, const struct fl_option *o)
{
    (void)program;
    if (!o->arg || fl_option_is_path(o) || o->letter == 'z')
        return;
    fprintf(out, "    ");
    if (o->letter)
        fprintf(out, "-%c|", o->letter);
    fprintf(out, "--%s) COMPREPLY=(", o->name);
    if (o->choices) {
        fprintf(out, "$(compgen -W '");
        put_words(out, o->choices, ' ');
        fprintf(out, "' -- \"$cur\")");
    }
    fprintf(out, "); return ;;\n");
}

static void
put_function_name(FILE *out, const char *name)
{
    putc('_', out);
    for (; *name; name++)
        putc(isalnum((unsigned char)*name) ? *name : '_', out);
}

/*
 * Bash takes "--name=value" apart at "=", which is a word of its own then. File names come one a
 * line, since they may hold spaces.
 */
static void
print_bash(FILE *out, const struct fl_program *program, const struct fl_option *common)
{
    fprintf(out, "# bash completion for %s; made by: %s --completion bash\n", program->name,
            program->name);
    put_function_name(out, program->name);
    fprintf(out,
            "()\n{\n    local cur=${COMP_WORDS[COMP_CWORD]} prev=${COMP_WORDS[COMP_CWORD-1]}\n"
            "    if [[ $cur == = ]]; then\n        cur=\n"
            "    elif [[ $prev == = ]]; then\n        prev=${COMP_WORDS[COMP_CWORD-2]}\n    fi\n"
            "    case $prev in\n");
    each(out, program, common, bash_case);
    fprintf(out, "    esac\n    if [[ $cur == -* ]]; then\n        COMPREPLY=($(compgen -W '");
    each(out, program, common, bash_word);
    fprintf(out,
            "' -- \"$cur\"))\n    else\n        local IFS=$'\\n'\n"
            "        COMPREPLY=($(compgen -f -- \"$cur\"))\n    fi\n}\ncomplete -o filenames -F ");
    put_function_name(out, program->name);
    fprintf(out, " %s\n", program->name);
}

static void
zsh_option(FILE *out, const struct fl_program *program, const struct fl_option *o)
{
    (void)program;
    const char *many = fl_option_is_list(o) ? "*" : "";

    fprintf(out, " \\\n    ");
    if (o->letter)
        fprintf(out, "'%s'{-%c%s,--%s%s}'[", many, o->letter, o->arg ? "+" : "", o->name,
                o->letter == 'z' ? "=-"
                : o->arg         ? "="
                                 : "");
    else
        fprintf(out, "'%s--%s%s[", many, o->name, o->arg ? "=" : "");
    for (const char *c = o->help; *c; c++) {
        if (*c == '\'')
            fprintf(out, "'\\'");
        else if (strchr("[]:\\", *c))
            putc('\\', out);
        putc(*c, out);
    }
    putc(']', out);
    if (o->arg && o->letter != 'z') {
        putc(':', out);
        put_escaped(out, o->arg, "[]:\\");
        putc(':', out);
        if (o->choices) {
            putc('(', out);
            put_words(out, o->choices, ' ');
            putc(')', out);
        } else if (fl_option_is_path(o)) {
            fprintf(out, "_files");
        }
    } else if (o->letter == 'z') {
        fprintf(out, "::level:");
    }
    putc('\'', out);
}

static void
print_zsh(FILE *out, const struct fl_program *program, const struct fl_option *common)
{
    fprintf(out, "#compdef %s\n# made by: %s --completion zsh\n_arguments -s -S", program->name,
            program->name);
    each(out, program, common, zsh_option);
    if (*program->operands)
        fprintf(out, " \\\n    '*:file:_files'");
    putc('\n', out);
}

static void
fish_option(FILE *out, const struct fl_program *program, const struct fl_option *o)
{
    fprintf(out, "complete -c %s", program->name);
    if (o->letter)
        fprintf(out, " -s %c", o->letter);
    fprintf(out, " -l %s", o->name);
    if (o->letter != 'z' && fl_option_is_path(o))
        fprintf(out, " -r -F");
    else if (o->letter != 'z' && o->arg)
        fprintf(out, " -x");
    if (o->choices) {
        fprintf(out, " -a '");
        put_words(out, o->choices, ' ');
        putc('\'', out);
    }
    fprintf(out, " -d '");
    put_escaped(out, o->help, "'\\");
    fprintf(out, "'\n");
}

int
fl_print_completion(FILE *out, const struct fl_program *program, const struct fl_option *common,
                    const char *shell)
{
    if (!strcmp(shell, "bash")) {
        print_bash(out, program, common);
    } else if (!strcmp(shell, "zsh")) {
        print_zsh(out, program, common);
    } else if (!strcmp(shell, "fish")) {
        fprintf(out, "# fish completion for %s; made by: %s --completion fish\n", program->name,
                program->name);
        each(out, program, common, fish_option);
    } else {
        fl_choice_check("bash|zsh|fish", shell);
        return fl_error_about("--completion");
    }
    return 0;
}
