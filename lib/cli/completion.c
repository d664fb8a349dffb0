/*
 * Completions of bash, zsh and fish, written from the option table (fl-x --completion SHELL).
 */
#include "cli/program.h"

#include <ctype.h>
#include <stdio.h>
#include <string.h>

#include "base/choice.h"
#include "base/error.h"

typedef void print_option(const struct fl_program *program, const struct fl_option *o);

static void
each(const struct fl_program *program, const struct fl_option *common, print_option *print)
{
    for (const struct fl_option *o = program->options; o && o->type != FL_OPTION_END; o++)
        print(program, o);
    for (const struct fl_option *o = common; o->type != FL_OPTION_END; o++)
        print(program, o);
}

/* Text with the characters that SPECIAL names after a backslash. */
static void
put_escaped(const char *text, const char *special)
{
    for (; *text; text++) {
        if (strchr(special, *text))
            putchar('\\');
        putchar(*text);
    }
}

static void
put_words(const char *choices, char between)
{
    for (; *choices; choices++)
        putchar(*choices == '|' ? between : *choices);
}

static void
bash_word(const struct fl_program *program, const struct fl_option *o)
{
    (void)program;
    if (o->letter)
        printf(" -%c", o->letter);
    printf(" --%s", o->name);
}

static void
bash_case(const struct fl_program *program, const struct fl_option *o)
{
    (void)program;
    if (!o->arg || fl_option_is_path(o) || o->letter == 'z')
        return;
    printf("    ");
    if (o->letter)
        printf("-%c|", o->letter);
    printf("--%s) COMPREPLY=(", o->name);
    if (o->choices) {
        printf("$(compgen -W '");
        put_words(o->choices, ' ');
        printf("' -- \"$cur\")");
    }
    printf("); return ;;\n");
}

static void
put_function_name(const char *name)
{
    putchar('_');
    for (; *name; name++)
        putchar(isalnum((unsigned char)*name) ? *name : '_');
}

/*
 * Bash takes "--name=value" apart at "=", which is a word of its own then. File names come one a
 * line, since they may hold spaces.
 */
static void
print_bash(const struct fl_program *program, const struct fl_option *common)
{
    printf("# bash completion for %s; made by: %s --completion bash\n", program->name,
           program->name);
    put_function_name(program->name);
    printf("()\n{\n    local cur=${COMP_WORDS[COMP_CWORD]} prev=${COMP_WORDS[COMP_CWORD-1]}\n"
           "    if [[ $cur == = ]]; then\n        cur=\n"
           "    elif [[ $prev == = ]]; then\n        prev=${COMP_WORDS[COMP_CWORD-2]}\n    fi\n"
           "    case $prev in\n");
    each(program, common, bash_case);
    printf("    esac\n    if [[ $cur == -* ]]; then\n        COMPREPLY=($(compgen -W '");
    each(program, common, bash_word);
    printf("' -- \"$cur\"))\n    else\n        local IFS=$'\\n'\n"
           "        COMPREPLY=($(compgen -f -- \"$cur\"))\n    fi\n}\ncomplete -o filenames -F ");
    put_function_name(program->name);
    printf(" %s\n", program->name);
}

static void
zsh_option(const struct fl_program *program, const struct fl_option *o)
{
    (void)program;
    const char *many = fl_option_is_list(o) ? "*" : "";

    printf(" \\\n    ");
    if (o->letter)
        printf("'%s'{-%c%s,--%s%s}'[", many, o->letter, o->arg ? "+" : "", o->name,
               o->letter == 'z' ? "=-"
               : o->arg         ? "="
                                : "");
    else
        printf("'%s--%s%s[", many, o->name, o->arg ? "=" : "");
    for (const char *c = o->help; *c; c++) {
        if (*c == '\'')
            printf("'\\'");
        else if (strchr("[]:\\", *c))
            putchar('\\');
        putchar(*c);
    }
    putchar(']');
    if (o->arg && o->letter != 'z') {
        putchar(':');
        put_escaped(o->arg, "[]:\\");
        putchar(':');
        if (o->choices) {
            putchar('(');
            put_words(o->choices, ' ');
            putchar(')');
        } else if (fl_option_is_path(o)) {
            printf("_files");
        }
    } else if (o->letter == 'z') {
        printf("::level:");
    }
    putchar('\'');
}

static void
print_zsh(const struct fl_program *program, const struct fl_option *common)
{
    printf("#compdef %s\n# made by: %s --completion zsh\n_arguments -s -S", program->name,
           program->name);
    each(program, common, zsh_option);
    if (*program->operands)
        printf(" \\\n    '*:file:_files'");
    putchar('\n');
}

static void
fish_option(const struct fl_program *program, const struct fl_option *o)
{
    printf("complete -c %s", program->name);
    if (o->letter)
        printf(" -s %c", o->letter);
    printf(" -l %s", o->name);
    if (o->letter != 'z' && fl_option_is_path(o))
        printf(" -r -F");
    else if (o->letter != 'z' && o->arg)
        printf(" -x");
    if (o->choices) {
        printf(" -a '");
        put_words(o->choices, ' ');
        putchar('\'');
    }
    printf(" -d '");
    put_escaped(o->help, "'\\");
    printf("'\n");
}

int
fl_print_completion(const struct fl_program *program, const struct fl_option *common,
                    const char *shell)
{
    if (!strcmp(shell, "bash")) {
        print_bash(program, common);
    } else if (!strcmp(shell, "zsh")) {
        print_zsh(program, common);
    } else if (!strcmp(shell, "fish")) {
        printf("# fish completion for %s; made by: %s --completion fish\n", program->name,
               program->name);
        each(program, common, fish_option);
    } else {
        fl_choice_check("bash|zsh|fish", shell);
        return fl_error_about("--completion");
    }
    return 0;
}
