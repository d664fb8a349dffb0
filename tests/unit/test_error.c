#include "base/error.h"

#include <errno.h>
#include <pthread.h>

#include "test.h"

static void
test_record(void)
{
    CHECK(fl_error_status() == FL_OK);
    CHECK_TEXT(fl_error_text(), "");
    CHECK(fl_error(FL_USAGE, "%s: %d", "x.flt", 7) == -1);
    CHECK(fl_error_status() == FL_USAGE);
    CHECK_TEXT(fl_error_text(), "x.flt: 7");
    CHECK(fl_error(FL_REFUSED, "another") == -1);
    CHECK(fl_error_status() == FL_REFUSED);
    CHECK_TEXT(fl_error_text(), "another");
    fl_error_clear();
    CHECK(fl_error_status() == FL_OK);
    CHECK_TEXT(fl_error_text(), "");
}

static void
test_about(void)
{
    fl_error(FL_REFUSED, "is signed by nobody");
    CHECK(fl_error_about("plan.flt") == -1);
    CHECK(fl_error_status() == FL_REFUSED);
    CHECK_TEXT(fl_error_text(), "plan.flt: is signed by nobody");
    CHECK(fl_error_about("plan.flt") == -1); /* whose sentence names it already */
    CHECK_TEXT(fl_error_text(), "plan.flt: is signed by nobody");
    fl_error_about("plan");
    CHECK_TEXT(fl_error_text(), "plan: plan.flt: is signed by nobody");
    fl_error(FL_FAILED, "plan.flt: is signed by nobody");
    fl_error(FL_FAILED, "again: %s", fl_error_text()); /* the recorded sentence as an argument */
    CHECK_TEXT(fl_error_text(), "again: plan.flt: is signed by nobody");
    fl_error_clear();
    fl_error_about("nothing was recorded");
    CHECK(fl_error_status() == FL_FAILED);
}

/* A caller that knows better changes status and cure; a new error has neither. */
static void
test_parts(void)
{
    fl_error(FL_FAILED, "%s: is damaged", "x; fetch y.flt"); /* a name that looks like a cure */
    CHECK(fl_error_cure("fetch %s again", "it") == -1);
    CHECK_TEXT(fl_error_text(), "x; fetch y.flt: is damaged; fetch it again");
    CHECK_TEXT(fl_error_what(), "x; fetch y.flt: is damaged");
    CHECK(fl_error_cure("remove it") == -1 && fl_error_as(FL_REFUSED) == -1);
    CHECK_TEXT(fl_error_text(), "x; fetch y.flt: is damaged; remove it");
    CHECK(fl_error_status() == FL_REFUSED);
    fl_error_about("a");
    CHECK_TEXT(fl_error_text(), "a: x; fetch y.flt: is damaged; remove it");
    struct fl_error_copy copy;
    fl_error_save(&copy);
    fl_error(FL_FAILED, "another");
    CHECK_TEXT(fl_error_text(), "another");
    fl_error_restore(&copy);
    CHECK_TEXT(fl_error_text(), "a: x; fetch y.flt: is damaged; remove it");
    fl_error_errno(ENOENT, "b");
    CHECK(!strstr(fl_error_text(), "remove"));
    fl_error_clear();
    CHECK_TEXT(fl_error_text(), "");
}

static void
test_errno(void)
{
    char want[200];

    snprintf(want, sizeof want, "a file: cannot open: %s", strerror(ENOENT));
    errno = EACCES; /* the argument counts, not this */
    CHECK(fl_error_errno(ENOENT, "a file: cannot %s", "open") == -1);
    CHECK(fl_error_status() == FL_FAILED);
    CHECK_TEXT(fl_error_text(), want);
}

static void
test_long(void)
{
    char text[3000];

    memset(text, 'x', sizeof text - 1);
    text[sizeof text - 1] = '\0';
    fl_error(FL_FAILED, "%s", text);
    CHECK(strlen(fl_error_text()) == sizeof((struct fl_error_copy *)0)->what - 1);
    fl_error_errno(ENOENT, "%s", text);
    CHECK(strlen(fl_error_text()) == sizeof((struct fl_error_copy *)0)->what - 1);
    fl_error_about(text);
    CHECK(strlen(fl_error_text()) == sizeof((struct fl_error_copy *)0)->what - 1);
}

static void *
fail_elsewhere(void *arg)
{
    CHECK_TEXT(fl_error_text(), ""); /* a thread begins without an error */
    fl_error(FL_REFUSED, "in a worker");
    fl_error_save(arg);
    return NULL;
}

static void
test_threads(void)
{
    struct fl_error_copy copy;
    pthread_t id;

    fl_error(FL_USAGE, "mine");
    CHECK(!pthread_create(&id, NULL, fail_elsewhere, &copy));
    pthread_join(id, NULL);
    CHECK_TEXT(fl_error_text(), "mine");
    CHECK(fl_error_restore(&copy) == -1);
    CHECK(fl_error_status() == FL_REFUSED);
    CHECK_TEXT(fl_error_text(), "in a worker");
}

int
main(void)
{
    RUN(test_record);
    RUN(test_about);
    RUN(test_parts);
    RUN(test_errno);
    RUN(test_long);
    RUN(test_threads);
    return test_end();
}
