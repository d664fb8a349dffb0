/* What is paid, and refused, under the ledger's lock: what another program wrote meanwhile counts. */
#include "fed/payment.h"

#include <math.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "test.h"

static char path[64];

static struct fl_payment
payment(const char *tag, double most)
{
    struct fl_payment p = {.ledger = path};

    p.line = (struct fl_spent_line){.kind = "train",
                                    .tag = tag,
                                    .input = "00",
                                    .unit = "record",
                                    .event = "gauss:nm=5"};
    p.limits[p.limit_count++] = (struct fl_limit){"--budget", most, 1e-6, FL_ACCOUNT_RDP};
    return p;
}

static size_t
lines(void)
{
    struct fl_spent s;

    CHECK(!fl_spent_open(&s, path, false));
    size_t count = s.count;
    fl_spent_release(&s);
    return count;
}

static void
test_once(void)
{
    struct fl_payment a = payment("aa", 1.1), b = payment("bb", 1.1);

    unlink(path);
    CHECK(!fl_spent_create(path));
    CHECK(!fl_payment_check(&a) && !a.paid && lines() == 0);
    CHECK(!fl_payment_make(&a) && a.paid && a.mark.count == 1);
    CHECK(!fl_payment_make(&a) && lines() == 1);
    CHECK(fl_payment_check(&b) && fl_error_status() == FL_REFUSED); /* .90 of one, 1.31 of two */
    CHECK(fl_payment_make(&b) && fl_error_status() == FL_REFUSED && lines() == 1);
    b.line.input = NULL;
    b.line.tag = "aa"; /* it is paid for, whatever its input turns out to be */
    CHECK(!fl_payment_check(&b) && b.paid);
    a.mark.count = 2;
    CHECK(fl_payment_make(&a) && fl_error_status() == FL_REFUSED);
    unlink(path);
}

/* A budget is spent to its last digit, and not one beyond; then what adds nothing goes on. */
static void
test_exactly(void)
{
    double one, two;
    struct fl_payment p;
    struct fl_spent s;

    unlink(path);
    CHECK(!fl_spent_create(path) && !fl_spent_open(&s, path, false));
    CHECK(!fl_spent_epsilon(&s, "record", "gauss:nm=5", 1e-6, FL_ACCOUNT_RDP, &one, NULL));
    CHECK(!fl_spent_epsilon(&s, "record", "gauss:nm=5*2", 1e-6, FL_ACCOUNT_RDP, &two, NULL));
    fl_spent_release(&s);
    p = payment("aa", nextafter(one, 0));
    CHECK(fl_payment_make(&p) && fl_error_status() == FL_REFUSED && lines() == 0);
    p = payment("aa", one);
    CHECK(!fl_payment_make(&p) && lines() == 1);
    p = payment("bb", nextafter(two, 0));
    CHECK(fl_payment_make(&p) && fl_error_status() == FL_REFUSED && lines() == 1);
    p = payment("bb", two);
    CHECK(!fl_payment_make(&p) && lines() == 2);
    p = payment("cc", two);
    CHECK(fl_payment_make(&p) && fl_error_status() == FL_REFUSED && lines() == 2);
    p = payment("dd", two);
    p.line.event = "-";
    CHECK(!fl_payment_make(&p) && lines() == 3);
    p = payment("ee", nextafter(two, 0));
    p.line.event = "-";
    CHECK(fl_payment_make(&p) && fl_error_status() == FL_REFUSED && lines() == 3);
    unlink(path);
}

/* One waits for the lock while the other spends the rest. */
static void
test_waits(void)
{
    struct fl_payment a = payment("aa", 1.1), b = payment("bb", 1.1);
    struct fl_spent s;
    int status = 0;

    unlink(path);
    CHECK(!fl_spent_create(path) && !fl_spent_open(&s, path, true));
    pid_t child = fork();
    if (child == 0)
        _exit(fl_payment_make(&b) ? fl_error_status() : 0);
    nanosleep(&(struct timespec){.tv_nsec = 300000000}, NULL);
    CHECK(!fl_spent_add(&s, &a.line, &a.by));
    fl_spent_release(&s);
    CHECK(waitpid(child, &status, 0) == child && WEXITSTATUS(status) == FL_REFUSED);
    CHECK(lines() == 1);
    unlink(path);
}

int
main(void)
{
    snprintf(path, sizeof path, "/tmp/test_payment.%ld", (long)getpid());
    RUN(test_once);
    RUN(test_exactly);
    RUN(test_waits);
    return test_end();
}
