/*
 * Any bytes as a roster, canonical or YAML, and as a public line: no crash, no leak, and what is
 * accepted is what its canonical form says. The first byte chooses.
 */
#include "fuzz_round.h"

/* A seed begins with the letter that says what it is, which its name begins with too. */
static void
seed(const char *name, const void *data, size_t len)
{
    char path[400];
    const char *to = getenv("FL_FUZZ_SEEDS");

    if (!to)
        return;
    snprintf(path, sizeof path, "%s/%s", to, name);
    FILE *out = fopen(path, "w");
    must(out && fputc(*name, out) != EOF && fwrite(data, len, 1, out) == 1 && !fclose(out));
}

int
LLVMFuzzerInitialize(int *argc, char ***argv)
{
    static const char weighted[] =
        "weights: {rule: dynamic, floor: 0.5, cap: 1, alpha: 0.5, tokens: 1e6, mbit: 100}\n"
        "apply: {rule: nesterov, lr: 0.7, momentum: 0.9}\nmax_open: 3\nmax_age: 9\npsk: true\n";
    static const char *const more[] =
        {FUZZ_HELPERS "replay: [c]\n", FED_MASK, weighted,
         FED_HELPERS "min_sum: 4\nnoise: {site: {clip: 0.5, multiplier: 1}}\n"
                     "budget: {epsilon: 8, delta: 1e-6}\n",
         "noise: {local: {clip: 1, multiplier: 1.1, rate: 0.01, steps: 20}}\n"
         "budget: {epsilon: 3, delta: 1e-5, accountant: pld}\n"};
    const int count = sizeof more / sizeof *more;
    static struct federation f;
    struct fl_line line;
    struct fl_buf yaml = {0};
    char name[20];

    (void)argc;
    (void)argv;
    fuzz_start();
    fed_start(&f, 5, more[0]);
    for (int i = 0; i < count; i++) {
        snprintf(name, sizeof name, "c%d", i);
        if (!fed_roster(&f, more[i]))
            seed(name, f.roster.canonical.data, f.roster.canonical.len);
        *name = 'y';
        fed_yaml(&f, more[i], &yaml);
        seed(name, yaml.data, yaml.len);
    }
    fl_key_line(f.key[0], &line);
    seed("l", line.text, strlen(line.text));
    fl_buf_release(&yaml);
    fuzz_seeded(&f);
    return 0;
}

static void
check_roster(struct fl_roster *r)
{
    struct fl_roster again;

    if (r->n < FL_SITES_MIN || r->n > FL_SITES_MAX || r->m > FL_HELPERS_MAX ||
        fl_roster_decode(&again, r->canonical.data, r->canonical.len) ||
        memcmp(again.digest, r->digest, sizeof r->digest))
        abort();
    fl_roster_release(&again);
    fl_roster_release(r);
}

static void
try_line(const uint8_t *data, size_t size)
{
    char *text = malloc(size + 1);
    struct fl_line line, again;

    memcpy(text, data, size);
    text[size] = '\0';
    if (!fl_line_parse(&line, text) &&
        (fl_line_parse(&again, line.text) || memcmp(&line, &again, sizeof line)))
        abort();
    free(text);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct fl_roster_conf conf;
    struct fl_roster r;

    if (!size)
        return 0;
    fl_error_clear();
    if (data[0] == 'c' && !fl_roster_decode(&r, data + 1, size - 1))
        check_roster(&r);
    if (data[0] == 'y' && !fl_roster_conf_parse(&conf, (const char *)data + 1, size - 1, "fuzz")) {
        if (!fl_roster_from_conf(&r, &conf))
            check_roster(&r);
        fl_roster_conf_release(&conf);
    }
    if (data[0] == 'l')
        try_line(data + 1, size - 1);
    return 0;
}
