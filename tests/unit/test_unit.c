#include "data/unit.h"

#include <math.h>
#include <stdlib.h>
#include <unistd.h>

#include "data/codes.h"
#include "data/when.h"
#include "os/output.h"
#include "test.h"

static void
test_values(void)
{
    static const struct {
        const char *from, *to, *analyte, *value, *want;
        char decimal;
    } cases[] = {
        {"mmol/L", "mg/dL", "glucose", "7.0", "126", '.'},
        {"mg/dL", "mmol/L", "glucose", "126", "6.99", '.'},
        {"mmol/L", "mg/dL", "glucose", "5,55", "100.0", ','},
        {"mmol/L", "mg/dL", "glucose", "7.0 mmol/L", "126", '.'},
        {"mmol/L", "mg/dL", "cholesterol", "5.2", "201", '.'},
        {"umol/L", "mg/dL", "creatinine", "88.4", "1.000", '.'},
        {"g/dL", "g/L", NULL, "13.5", "135", '.'},
        {"kg", "[lb_av]", NULL, "70", "154", '.'},
        {"[lb_av]", "kg", NULL, "154.3", "69.99", '.'},
        {"[in_i]", "cm", NULL, "70", "178", '.'},
        {"Cel", "[degF]", NULL, "37.0", "98.6", '.'},
        {"[degF]", "Cel", NULL, "98.6", "37.00", '.'},
        {"Cel", "[degF]", NULL, "-40", "-40", '.'},
        {"K", "Cel", NULL, "0", "-273", '.'},
        {"mm[Hg]", "kPa", NULL, "120", "16.0", '.'},
        {"wk", "d", NULL, "2", "14", '.'},
        {"mg", "ug", NULL, "0.0005", "0.5", '.'},
        {"ug", "mg", NULL, "25", "0.025", '.'},
        {"ug", "mg", NULL, "2.5", "0.0025", '.'},
        {"U/L", "ukat/L", NULL, "45", "0.75", '.'},
        {"mmol/L", "mg/dL", "glucose", "-1.0", "-18", '.'},
        {"mmol/L", "mg/dL", "glucose", "999999999999999", "18015599999999982", '.'},
        /* nothing that is understood */
        {"mmol/L", "mg/dL", "glucose", "< 5", NULL, '.'},
        {"mmol/L", "mg/dL", "glucose", "7,0", NULL, '.'},
        {"mmol/L", "mg/dL", "glucose", "7.0 mg/dL", NULL, '.'},
        {"mmol/L", "mg/dL", "glucose", "1,234.5", NULL, '.'},
        {"mmol/L", "mg/dL", "glucose", "7.", NULL, '.'},
        {"mmol/L", "mg/dL", "glucose", "1e3", NULL, '.'},
        {"mmol/L", "mg/dL", "glucose", "1234567890123456", NULL, '.'},
    };
    struct fl_buf out = {0};

    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct fl_unit_map map;
        CHECK(!fl_unit_map_make(&map, cases[i].from, cases[i].to, cases[i].analyte));
        enum fl_mapped got = fl_unit_convert(&map, cases[i].value, strlen(cases[i].value),
                                             cases[i].decimal, &out);
        CHECK(got == (cases[i].want ? FL_MAPPED_CHANGED : FL_MAPPED_UNKNOWN));
        if (cases[i].want)
            CHECK_TEXT(fl_buf_text(&out), cases[i].want);
    }
    fl_buf_release(&out);
}

static void
test_refusals(void)
{
    struct fl_unit_map map;

    CHECK(fl_unit_map_make(&map, "mmol/l", "mg/dL", "glucose") == -1);
    CHECK(strstr(fl_error_text(), "did you mean \"mmol/L\"?") != NULL);
    CHECK(fl_unit_map_make(&map, "mmol/L", "mg/dL", NULL) == -1);
    CHECK(strstr(fl_error_text(), "names an analyte") != NULL);
    CHECK(fl_unit_map_make(&map, "mmol/L", "kg", "glucose") == -1);
    CHECK(fl_unit_map_make(&map, "mmol/L", "mg/dL", "glucos") == -1);
    CHECK(strstr(fl_error_text(), "did you mean \"glucose\"?") != NULL);
    for (size_t i = 0; i < fl_unit_count; i++)
        CHECK(fl_units[i].up && fl_units[i].down && strlen(fl_units[i].code) < FL_UNIT_CODE);
    CHECK(fl_unit_count >= 120 && fl_analyte_count >= 40);
}

/* Two hundred conversions between all pairs of one dimension, against bc(1) with 60 digits. */
static void
test_against_bc(void)
{
    struct fl_buf script = {0}, out = {0};
    char file[] = "/tmp/fl-unit-XXXXXX", command[80], want[200];
    size_t made = 0;
    uint32_t seed = 11;
    int fd = mkstemp(file);

    CHECK(fd >= 0 && !system("command -v bc >/dev/null || exit 1"));
    if (fd < 0 || system("command -v bc >/dev/null"))
        SKIP("bc is not here");
    char values[200][24], froms[200][FL_UNIT_CODE], tos[200][FL_UNIT_CODE];
    for (; made < 200; seed = seed * 1664525u + 1013904223u) {
        const struct fl_unit *a = &fl_units[(seed >> 8) % fl_unit_count];
        const struct fl_unit *b = &fl_units[(seed >> 17) % fl_unit_count];
        if (a == b || a->dimension != b->dimension || a->dimension == FL_DIM_TEMPERATURE)
            continue;
        snprintf(values[made], sizeof values[made], "%u.%02u", seed >> 20, seed % 100);
        snprintf(froms[made], FL_UNIT_CODE, "%s", a->code);
        snprintf(tos[made], FL_UNIT_CODE, "%s", b->code);
        fl_buf_printf(&script, "scale=60; %s*(%u/%u*10^%d)/(%u/%u*10^%d)\n", values[made], a->up,
                      a->down, a->ten, b->up, b->down, b->ten);
        made++;
    }
    CHECK(!fl_output_write_file(file, script.data, script.len, 0));
    snprintf(command, sizeof command, "BC_LINE_LENGTH=0 bc <%s", file);
    FILE *bc = popen(command, "r");
    for (size_t i = 0; i < made && bc; i++) {
        struct fl_unit_map map;
        CHECK(fgets(want, sizeof want, bc) != NULL);
        CHECK(!fl_unit_map_make(&map, froms[i], tos[i], NULL));
        enum fl_mapped got = fl_unit_convert(&map, values[i], strlen(values[i]), '.', &out);
        if (got != FL_MAPPED_CHANGED)
            continue; /* more digits than are given out */
        const char *point = strchr(fl_buf_text(&out), '.');
        double step = 1, exact = strtod(want, NULL), shown = strtod(fl_buf_text(&out), NULL);
        for (size_t k = point ? strlen(point + 1) : 0; k; k--)
            step /= 10;
        if (!(fabs(shown - exact) <= step * .5000001 + fabs(exact) * 1e-14))
            printf("# %s %s in %s: %s, not %s", values[i], froms[i], tos[i], fl_buf_text(&out),
                   want);
        CHECK(fabs(shown - exact) <= step * .5000001 + fabs(exact) * 1e-14);
    }
    if (bc)
        pclose(bc);
    unlink(file);
    fl_buf_release(&script);
    fl_buf_release(&out);
}

/* There and back, within the digits of the source. */
static void
test_round_trip(void)
{
    struct fl_buf out = {0}, back = {0};
    struct fl_unit_map there, home;

    CHECK(!fl_unit_map_make(&there, "mmol/L", "mg/dL", "glucose"));
    CHECK(!fl_unit_map_make(&home, "mg/dL", "mmol/L", "glucose"));
    for (int i = 1; i < 3000; i++) {
        char value[20];
        snprintf(value, sizeof value, "%d.%d", i / 10, i % 10);
        CHECK(fl_unit_convert(&there, value, strlen(value), '.', &out) == FL_MAPPED_CHANGED);
        CHECK(fl_unit_convert(&home, fl_buf_text(&out), out.len, '.', &back) == FL_MAPPED_CHANGED);
        CHECK(fabs(strtod(fl_buf_text(&back), NULL) - i / 10.) <= .05);
    }
    fl_buf_release(&out);
    fl_buf_release(&back);
}

static void
test_dates(void)
{
    static const struct {
        enum fl_date_order order;
        const char *value, *want;
        enum fl_mapped got;
    } cases[] = {
        {FL_DATE_UNKNOWN, "2021-04-03", NULL, FL_MAPPED_SAME},
        {FL_DATE_UNKNOWN, "2021-04-03T10:00", NULL, FL_MAPPED_SAME},
        {FL_DATE_UNKNOWN, "2021/4/3", "2021-04-03", FL_MAPPED_CHANGED},
        {FL_DATE_UNKNOWN, "03/04/2021", NULL, FL_MAPPED_AMBIGUOUS},
        {FL_DATE_UNKNOWN, "13/04/2021", NULL, FL_MAPPED_AMBIGUOUS},
        {FL_DATE_DMY, "03/04/2021", "2021-04-03", FL_MAPPED_CHANGED},
        {FL_DATE_MDY, "03/04/2021", "2021-03-04", FL_MAPPED_CHANGED},
        {FL_DATE_DMY, " 3.4.2021 12:30", "2021-04-03 12:30", FL_MAPPED_CHANGED},
        {FL_DATE_DMY, "29.02.2021", NULL, FL_MAPPED_UNKNOWN},
        {FL_DATE_DMY, "29.02.2020", "2020-02-29", FL_MAPPED_CHANGED},
        {FL_DATE_DMY, "03/04/21", NULL, FL_MAPPED_UNKNOWN},
        {FL_DATE_DMY, "03/04-2021", NULL, FL_MAPPED_UNKNOWN},
        {FL_DATE_DMY, "yesterday", NULL, FL_MAPPED_UNKNOWN},
        {FL_DATE_MDY, "13/04/2021", NULL, FL_MAPPED_UNKNOWN},
    };
    static const struct {
        const char *dates[4];
        enum fl_date_order order;
    } proofs[] = {{{"03/04/2021", "05/06/2021"}, FL_DATE_UNKNOWN},
                  {{"03/04/2021", "25/06/2021"}, FL_DATE_DMY},
                  {{"03/14/2021", "05/06/2021"}, FL_DATE_MDY},
                  {{"03/14/2021", "25/06/2021"}, FL_DATE_UNKNOWN},
                  {{"2021-04-13", "31/31/2021"}, FL_DATE_UNKNOWN}};
    struct fl_buf out = {0};

    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        enum fl_mapped got = fl_date_convert(cases[i].order, cases[i].value, strlen(cases[i].value),
                                             &out);
        if (got != cases[i].got)
            printf("# %s: %d\n", cases[i].value, (int)got);
        CHECK(got == cases[i].got);
        if (cases[i].want)
            CHECK_TEXT(fl_buf_text(&out), cases[i].want);
    }
    for (size_t i = 0; i < sizeof proofs / sizeof *proofs; i++) {
        struct fl_date_proof proof = {0};
        for (size_t k = 0; k < 4 && proofs[i].dates[k]; k++)
            fl_date_note(&proof, proofs[i].dates[k], strlen(proofs[i].dates[k]));
        CHECK(fl_date_proved(&proof) == proofs[i].order);
    }
    fl_buf_release(&out);
}

static void
test_codes(void)
{
    static const char good[] = "# ward\tname\n\n A1 \tcardiology\nB2\tsurgery\r\n";
    char path[] = "/tmp/fl-codes-XXXXXX";
    int fd = mkstemp(path);

    CHECK(fd >= 0 && !fl_output_write_file(path, good, sizeof good - 1, 0));
    struct fl_codes *c = fl_codes_read(path);
    CHECK(c && !strcmp(fl_codes_find(c, " A1", 3), "cardiology"));
    CHECK(!strcmp(fl_codes_find(c, "B2", 2), "surgery") && !fl_codes_find(c, "B", 1));
    CHECK(!fl_codes_find(c, "a1", 2) && !fl_codes_find(c, "", 0));
    fl_codes_free(c);
    CHECK(!fl_output_write_file(path, "a\tb\na\tc\n", 8, 0) && !fl_codes_read(path));
    CHECK(strstr(fl_error_text(), "code \"a\" is there twice") != NULL);
    CHECK(!fl_output_write_file(path, "a b\n", 4, 0) && !fl_codes_read(path));
    CHECK(strstr(fl_error_text(), "line 1: is no CODE TAB CODE") != NULL);
    unlink(path);
}

int
main(void)
{
    RUN(test_values);
    RUN(test_refusals);
    RUN(test_against_bc);
    RUN(test_round_trip);
    RUN(test_dates);
    RUN(test_codes);
    return test_end();
}
