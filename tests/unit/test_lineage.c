#include "fed/lineage.h"

#include <unistd.h>

#include "os/output.h"
#include "test.h"

static void
test_ages(void)
{
    struct fl_lineage l;
    char name[64], text[3 * 65 + 1] = "";

    snprintf(name, sizeof name, "/tmp/test_lineage.%d", (int)getpid());
    for (int i = 0; i < 3; i++) {
        memset(text + strlen(text), "0f8"[i], 64);
        strcat(text, "\n");
    }
    text[64] = text[129] = '\n';
    CHECK(!fl_output_write_file(name, text, sizeof text - 2, 0)); /* the last line needs no end */
    CHECK(!fl_lineage_read(&l, name, 1));
    unlink(name);
    unsigned char zero[FL_HASH_BYTES] = {0}, ff[FL_HASH_BYTES], newest[FL_HASH_BYTES];
    memset(ff, 0xff, sizeof ff);
    memset(newest, 0x88, sizeof newest);
    CHECK(l.count == 3 && !memcmp(fl_lineage_newest(&l), newest, sizeof newest));
    CHECK(fl_lineage_age(&l, "f", newest) == 0 && fl_lineage_age(&l, "f", ff) == 1);
    CHECK(fl_lineage_age(&l, "f", zero) == -1 && fl_error_status() == FL_REFUSED);
    newest[5] = 0;
    CHECK(fl_lineage_age(&l, "f", newest) == -1 && strstr(fl_error_text(), "none of the lineage"));
    fl_lineage_release(&l);
}

/* (1 + age)^-0.5 by a calculator, to 2^-40. */
static void
test_weights(void)
{
    CHECK(fl_lineage_weight(3.25, 0) == 3.25);
    CHECK(fl_lineage_weight(8, 3) == 4);
    CHECK_NEAR(fl_lineage_weight(1, 1), 0.70710678118654752, 0x1p-41);
    CHECK_NEAR(fl_lineage_weight(1, 63), 0.125, 0);
    CHECK(fl_lineage_weight(0x1p-40, 63) == 0x1p-40); /* no update is lost */
    CHECK(ldexp(fl_lineage_weight(5, 1), 40) == floor(ldexp(fl_lineage_weight(5, 1), 40)));
}

int
main(void)
{
    RUN(test_ages);
    RUN(test_weights);
    return test_end();
}
