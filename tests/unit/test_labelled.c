/*
 * Identifiers on labelled sets of other people: precision and recall of each type with the interval
 * of Wilson, against what is promised. The sets lie in ../shared/data/pii; without them a few lines
 * of our own are taken, so that a scanner that is broken is seen anywhere.
 *
 * A labelled identifier is found when spans of its type cover all of it; a span is right when it
 * meets a label of its type. LABELLED=0|1 takes one half of the sets and lists what went wrong.
 */
#include <jansson.h>

#include "data/canary.h"
#include "data/identifier.h"
#include "test.h"

static const struct {
    const char *label;
    unsigned type;
} labels[] = {
    {"EMAIL_ADDRESS", FL_ID_EMAIL},
    {"CORREO_ELECTRONICO", FL_ID_EMAIL},
    {"DOMAIN_NAME", FL_ID_URL},
    {"URL", FL_ID_URL},
    {"URL_WEB", FL_ID_URL},
    {"IP_ADDRESS", FL_ID_IP},
    {"MAC_ADDRESS", FL_ID_MAC},
    {"IBAN_CODE", FL_ID_IBAN},
    {"CREDIT_CARD", FL_ID_CARD},
    {"US_SSN", FL_ID_NATIONAL},
    {"ID_ASEGURAMIENTO", FL_ID_NATIONAL},
    {"ID_SUJETO_ASISTENCIA", FL_ID_NATIONAL},
    {"ID_TITULACION_PERSONAL_SANITARIO", FL_ID_NATIONAL},
    {"ID_CONTACTO_ASISTENCIAL", FL_ID_NATIONAL},
    {"PHONE_NUMBER", FL_ID_PHONE},
    {"NUMERO_TELEFONO", FL_ID_PHONE},
    {"NUMERO_FAX", FL_ID_PHONE},
    {"DATE_TIME", FL_ID_DATE},
    {"FECHAS", FL_ID_DATE},
    {"AGE", FL_ID_AGE},
    {"EDAD_SUJETO_ASISTENCIA", FL_ID_AGE},
};

/* Floors of the precision and the recall; 0: nothing is promised. */
static const struct {
    double precision, recall;
} floors[FL_ID_TYPES] = {
    [FL_ID_EMAIL] = {.98, 1},   [FL_ID_URL] = {.98, 1},   [FL_ID_IP] = {.98, 1},
    [FL_ID_MAC] = {.98, 1},     [FL_ID_IBAN] = {.99, 1},  [FL_ID_CARD] = {.99, 1},
    [FL_ID_NATIONAL] = {.9, 1}, [FL_ID_PHONE] = {.9, .9}, [FL_ID_DATE] = {0, .9},
    [FL_ID_AGE] = {0, .9},
};

struct counts {
    unsigned labelled, found, spans, right;
};

static int
type_of(const char *label)
{
    for (size_t i = 0; i < sizeof labels / sizeof *labels; i++)
        if (!strcmp(labels[i].label, label))
            return (int)labels[i].type;
    return -1;
}

/* Only dates of birth and ages above 89 are looked for; is this label one? */
static bool
is_wanted(int type, const char *text, size_t at, size_t end)
{
    if (type == FL_ID_AGE)
        return strtol(text + at, NULL, 10) > 89;
    if (type != FL_ID_DATE)
        return type >= 0;
    size_t from = at > 25 ? at - 25 : 0;
    char before[32] = "";
    memcpy(before, text + from, at - from);
    return end - at >= 6 && (strstr(before, "nacimiento:") || strstr(before, "birth"));
}

static bool
covered(const struct fl_id_scan *scan, int type, size_t at, size_t end)
{
    for (size_t i = 0; i < scan->count && at < end; i++)
        if (scan->spans[i].type == type && scan->spans[i].at <= at &&
            scan->spans[i].at + scan->spans[i].len > at)
            at = scan->spans[i].at + scan->spans[i].len;
    return at >= end;
}

static void
say(const char *what, int type, const char *text, size_t at, size_t end)
{
    size_t from = at > 30 ? at - 30 : 0;
    printf("# %s %d: %.*s<<%.*s>>%.15s\n", what, type, (int)(at - from), text + from,
           (int)(end - at), text + at, text + end);
}

static unsigned
half(const char *id)
{
    unsigned h = 2166136261u;
    for (; *id; id++)
        h = (h ^ (unsigned char)*id) * 16777619u;
    return h >> 16 & 1;
}

static void
take_line(const struct fl_id_rules *rules, struct fl_id_scan *scan, json_t *row,
          struct counts *counts, const char *only)
{
    const char *text = json_string_value(json_object_get(row, "text"));
    json_t *spans = json_object_get(row, "spans");
    bool right[512] = {0};

    if (only && half(json_string_value(json_object_get(row, "id"))) != (unsigned)atoi(only))
        return;
    CHECK(!fl_id_find(rules, scan, text, strlen(text)));
    CHECK(scan->count < 512);
    for (size_t i = 0; i < json_array_size(spans); i++) {
        json_t *span = json_array_get(spans, i);
        size_t at = (size_t)json_integer_value(json_array_get(span, 0));
        size_t end = (size_t)json_integer_value(json_array_get(span, 1));
        int type = type_of(json_string_value(json_array_get(span, 2)));
        for (size_t k = 0; k < scan->count && type >= 0; k++)
            right[k] |= scan->spans[k].type == type && scan->spans[k].at < end &&
                        scan->spans[k].at + scan->spans[k].len > at;
        if (!is_wanted(type, text, at, end))
            continue;
        if (type == FL_ID_AGE) /* without "years" */
            end = at + strspn(text + at, "0123456789");
        bool found = covered(scan, type, at, end);
        counts[type].labelled++;
        counts[type].found += found;
        if (!found && only)
            say("missed", type, text, at, end);
    }
    for (size_t k = 0; k < scan->count; k++) {
        struct fl_id_span *span = &scan->spans[k];
        counts[span->type].spans++;
        counts[span->type].right += right[k];
        if (!right[k] && only)
            say("wrong", span->type, text, span->at, span->at + span->len);
    }
}

static bool
take_set(const char *name, struct counts *counts)
{
    char path[256];
    const char *only = getenv("LABELLED");
    struct fl_id_rules *rules = fl_id_rules_new();
    struct fl_id_scan scan = {0};

    snprintf(path, sizeof path, "../shared/data/pii/%s.jsonl", name);
    FILE *f = fopen(path, "r");
    char *line = NULL;
    size_t cap = 0;
    while (f && getline(&line, &cap, f) > 0) {
        json_t *row = json_loads(line, 0, NULL);
        CHECK(row);
        take_line(rules, &scan, row, counts, only);
        json_decref(row);
    }
    free(line);
    fl_id_scan_release(&scan);
    fl_id_rules_free(rules);
    if (f)
        fclose(f);
    return f;
}

static void
test_labelled_sets(void)
{
    static const char *const sets[] = {"presidio", "meddocan", "pasteguard"};
    struct counts counts[FL_ID_TYPES] = {0};
    bool any = false;

    for (size_t i = 0; i < 3; i++)
        any |= take_set(sets[i], counts);
    if (!any)
        SKIP("../shared/data/pii is not here");
    for (unsigned t = 0; t < FL_ID_TYPES; t++) {
        struct counts *c = &counts[t];
        double low, high, right, top;
        fl_wilson(c->found, c->labelled, &low, &high);
        fl_wilson(c->right, c->spans, &right, &top);
        printf("# %-8s R %3u/%3u = %.3f [%.3f, %.3f]  P %3u/%3u = %.3f [%.3f, %.3f]\n",
               fl_id_name(NULL, t), c->found, c->labelled, c->found / fmax(1, c->labelled), low,
               high, c->right, c->spans, c->right / fmax(1, c->spans), right, top);
        CHECK(c->found >= floors[t].recall * c->labelled);
        CHECK(c->right >= floors[t].precision * c->spans);
    }
    CHECK(counts[FL_ID_CARD].labelled > 10 && counts[FL_ID_PHONE].labelled > 10);
}

int
main(void)
{
    RUN(test_labelled_sets);
    return test_end();
}
