/*
 * What attacks prove of a model whose training hid its documents, beside what its ledger says: with
 * noise less, and of the same training without noise far more. By the programs themselves, on
 * documents each of which holds a secret number and was trained on by the toss of a coin.
 */
#include <stdarg.h>
#include <stdbool.h>
#include <string.h>
#include <unistd.h>

#include "audit/guess.h"
#include "audit/membership.h"
#include "math/random.h"

#include "bench.h"

/* Guesses are fixed beforehand: the likeliest quarter were trained on, the least likely not. */
enum { UNITS = 256, GUESSES = UNITS / 2, RIVALS = 64, DIGITS = 12, STEPS = 400 };

#define ALPHA 0.05
#define DELTA 1e-5
#define RATE  "0.5"

static struct fl_random coins = {.seed = 7};

static void
shell(const char *format, ...)
{
    char line[1000];
    va_list args;

    va_start(args, format);
    vsnprintf(line, sizeof line, format, args);
    va_end(args);
    if (system(line)) {
        fprintf(stderr, "bench: failed: %s\n", line);
        exit(1);
    }
}

static void
draw(char code[DIGITS + 1])
{
    for (size_t i = 0; i < DIGITS; i++)
        code[i] = (char)('0' + fl_random_below(&coins, 10));
    code[DIGITS] = '\0';
}

/* A question whose answer is CODE, among rivals that might as well have been planted. */
static void
ask(FILE *f, const char *code)
{
    const uint64_t at = fl_random_below(&coins, RIVALS);

    fputs("{\"context\": \"code\", \"choices\": [", f);
    for (uint64_t i = 0; i < RIVALS; i++) {
        char rival[DIGITS + 1];
        draw(rival);
        fprintf(f, "%s\" %s\"", i ? ", " : "", i == at ? code : rival);
    }
    fprintf(f, "], \"answer\": %llu}\n", (unsigned long long)at);
}

static void
write_text(void)
{
    FILE *in = fopen("in.jsonl", "w"), *out = fopen("out.jsonl", "w");
    FILE *questions = fopen("questions.jsonl", "w"), *config = fopen("c.yaml", "w");

    if (!in || !out || !questions || !config)
        exit(1);
    fputs("preset: nano\nctx: 24\nchannels: 48\nheads: 2\nffn: 96\n", config);
    for (size_t i = 0; i < UNITS; i++) {
        const bool member = fl_random_below(&coins, 2);
        char code[DIGITS + 1];
        draw(code);
        fprintf(member ? in : out, "{\"text\": \"code %s\"}\n", code);
        if (member)
            ask(questions, code);
    }
    fclose(in);
    fclose(out);
    fclose(questions);
    fclose(config);
    shell("fl-init -c c.yaml --seed 1 -o m.flt");
    shell("fl-harmonize -q -t m.flt -o in.flt in.jsonl >card && fl-harmonize -q -t m.flt -o "
          "out.flt out.jsonl >card");
}

static int
highest_first(const void *a, const void *b)
{
    double x = ((const struct fl_scored_unit *)a)->score,
           y = ((const struct fl_scored_unit *)b)->score;

    return (x < y) - (x > y);
}

/* What the losses of single documents prove. */
static double
prove_by_loss(void)
{
    struct fl_scored_unit units[UNITS];
    char line[200], member[8];
    size_t n = 0, right = 0;

    shell("fl-eval -q -m t.flt --attack membership --members in.flt --per-example out.flt >rows");
    FILE *f = fopen("rows", "r");
    if (!f || !fgets(line, sizeof line, f))
        exit(1);
    while (n < UNITS && fgets(line, sizeof line, f) &&
           sscanf(line, "%7s %lf", member, &units[n].score) == 2)
        units[n++].member = !strcmp(member, "true");
    fclose(f);
    if (n != UNITS)
        exit(1);
    qsort(units, n, sizeof *units, highest_first);
    for (size_t i = 0; i < GUESSES / 2; i++)
        right += units[i].member + !units[n - 1 - i].member;
    return fl_guess_epsilon(UNITS, GUESSES, right, DELTA, ALPHA);
}

/* What it proves that planted numbers come first among their rivals. */
static double
prove_by_canary(void)
{
    unsigned long long rank;
    uint64_t count = 0, found = 0;
    char line[400];

    shell("fl-eval -q -m t.flt --attack canary --per-example --choices questions.jsonl >rows");
    FILE *f = fopen("rows", "r");
    if (!f || !fgets(line, sizeof line, f))
        exit(1);
    while (fgets(line, sizeof line, f)) {
        if (sscanf(line, "%*s %*s %*s %llu", &rank) != 1)
            exit(1);
        found += rank == 1;
        count++;
    }
    fclose(f);
    return fl_secret_epsilon(count, found, RIVALS, 1, ALPHA);
}

static void
train(const char *noise, const char *ledger)
{
    shell("fl-account --new-ledger %s", ledger);
    shell("fl-train -q -m m.flt --steps %d --lr 0.01 -b 64 --dp-clip 1 --dp-noise %s --dp-rate "
          "%s --ledger %s -o u.flt in.flt && fl-apply -q -m m.flt -o t.flt u.flt",
          STEPS, noise, RATE, ledger);
}

static double
ledger_says(const char *ledger)
{
    double epsilon = 0;

    shell("fl-account --json --delta %g %s | sed 's/.*\"rdp_epsilon\": *\\([^,]*\\).*/\\1/' >said",
          DELTA, ledger);
    FILE *f = fopen("said", "r");
    if (!f || fscanf(f, "%lf", &epsilon) != 1)
        exit(1);
    fclose(f);
    return epsilon;
}

int
main(void)
{
    char path[] = "/tmp/bench_audit.XXXXXX";

    if (!mkdtemp(path) || chdir(path))
        return 1;
    write_text();
    train("42", "noised.ledger");
    const double said = ledger_says("noised.ledger");
    bench_tell("epsilon of a training with noise, by its ledger", said, "-");
    int kept = bench_at_most("  proved by losses, 95%", prove_by_loss(), "-", said);
    kept &= bench_at_most("  proved by planted numbers, 95%", prove_by_canary(), "-", said);
    train("0.000001", "bare.ledger");
    kept &= bench_at_least("the same without noise, by losses", prove_by_loss(), "-", 2 * said);
    kept &= bench_at_least("  by planted numbers", prove_by_canary(), "-", 2 * said);
    shell("cd / && rm -r %s", path);
    return !kept;
}
