/* The grammar of mechanisms: what it takes, prints again, and refuses with a cure. */
#include "priv/event.h"

#include "test.h"

static void
test_round_trip(void)
{
    static const char *const table[][2] = {
        {"gauss:nm=2", NULL},
        {"gauss:nm=1*10", NULL},
        {"gauss:nm=1*1", "gauss:nm=1"},
        {"gauss:nm=1*0", NULL},
        {"pgauss:nm=0.5,q=0.001*100", "pgauss:q=0.001,nm=0.5*100"},
        {"wor:n=1000,m=10,nm=2*10000", NULL},
        {"dgauss:sigma=0.69999999999999996,sens=1", "dgauss:sigma=0.7,sens=1"},
        {"dgauss:sigma2=9,sens2=4", NULL},
        {"pdgauss:q=0.1,sigma=16777216,sens=16777216", NULL},
        {"lap:b=10*100", NULL},
        {"plap:q=0.1,b=1", NULL},
        {"epsdelta:eps=0.5,delta=0*3", NULL},
        {"gauss:nm=1e+5", "gauss:nm=100000"},
        {"gauss:nm=0.1", NULL},
    };

    for (size_t i = 0; i < sizeof table / sizeof *table; i++) {
        struct fl_events events = {0};
        struct fl_buf out = {0};
        CHECK(!fl_events_parse(&events, table[i][0]));
        CHECK(events.count == 1);
        CHECK(!fl_event_print(events.items, &out));
        CHECK_TEXT(fl_buf_text(&out), table[i][1] ? table[i][1] : table[i][0]);
        fl_buf_release(&out);
        fl_events_release(&events);
    }
}

static void
test_several(void)
{
    struct fl_events events = {0};

    CHECK(!fl_events_parse(&events, "pgauss:q=0.01,nm=1e+0*500+lap:b=20*10"));
    CHECK(!fl_events_parse(&events, "gauss:nm=5*2"));
    CHECK(events.count == 3 && events.items[1].mechanism == FL_MECH_LAP);
    CHECK(events.items[0].q == 0.01 && events.items[0].count == 500);
    CHECK_TEXT(fl_events_sampling(&events), "mixed");
    CHECK_TEXT(fl_events_relation(&events), "add-remove");
    CHECK(isinf(fl_events_pure(&events)));
    fl_events_release(&events);
}

static void
test_refused(void)
{
    static const char *const table[][2] = {
        {"", "did you mean"},
        {"gaus:nm=1", "did you mean \"gauss\"?"},
        {"gauss", "write gauss:nm="},
        {"gauss:", "write gauss:nm="},
        {"gauss:sigma=1", "write gauss:nm="},
        {"gauss:nm=1,nm=1", "write gauss:nm="},
        {"pgauss:nm=1", "write pgauss:q=,nm="},
        {"dgauss:sigma=1,sens2=1", "dgauss:sigma=,sens= or dgauss:sigma2=,sens2="},
        {"dgauss:sigma=1,sens=0.5", "whole number"},
        {"gauss:nm=0", "is not a number"},
        {"gauss:nm=inf", "is not a number"},
        {"pgauss:q=1.5,nm=1", "is not a number"},
        {"gauss:nm=1*", "is not a whole number"},
        {"gauss:nm=1*-1", "is not a whole number"},
        {"gauss:nm=1*2*3", "is not a whole number"},
        {"gauss:nm=1*1000000000001", "is not a whole number"},
        {"gauss:nm=1+", ""},
        {"+gauss:nm=1", ""},
        {"wor:n=10,m=11,nm=1", "at most n"},
        {"a:b=c,d=e,f=g,h=i", ""},
        {"wor:n=10,m=1,nm=1,nm=1", "write wor:n=,m=,nm="},
    };

    for (size_t i = 0; i < sizeof table / sizeof *table; i++) {
        struct fl_events events = {0};
        if (!fl_events_parse(&events, table[i][0]))
            printf("# \"%s\" was taken\n", table[i][0]);
        CHECK(fl_error_status() == FL_USAGE);
        if (!strstr(fl_error_text(), table[i][1]) && i)
            printf("# \"%s\": %s\n", table[i][0], fl_error_text());
        CHECK(!i || strstr(fl_error_text(), table[i][1]));
        fl_error_clear();
        fl_events_release(&events);
    }
}

static void
test_pure(void)
{
    struct fl_events events = {0};

    CHECK(!fl_events_parse(&events, "lap:b=2*10+epsdelta:eps=0.5,delta=0*3+plap:q=1,b=1"));
    CHECK_NEAR(fl_events_pure(&events), 7.5, 1e-15);
    fl_events_release(&events);
}

int
main(void)
{
    RUN(test_round_trip);
    RUN(test_several);
    RUN(test_refused);
    RUN(test_pure);
    return test_end();
}
