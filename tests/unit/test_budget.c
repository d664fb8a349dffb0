/* fl_budget: what is found is within the target, and a little further on is not. */
#include "priv/budget.h"

#include "test.h"

static double
by(const char *text, double delta, enum fl_accountant accountant)
{
    struct fl_events events = {0};
    double eps = NAN;

    CHECK(!fl_events_parse(&events, text));
    CHECK(!fl_charge_by(&events, delta, accountant, &eps));
    fl_events_release(&events);
    return eps;
}

static const struct {
    const char *text;
    double target;
    enum fl_accountant by;
    enum fl_solve what;
} table[] = {
    {"pgauss:q=0.01,nm=1*1000", 2, FL_ACCOUNT_RDP, FL_SOLVE_NOISE},
    {"pgauss:q=0.01,nm=1*1000", 2, FL_ACCOUNT_PLD, FL_SOLVE_NOISE},
    {"pgauss:q=0.01,nm=1*1000", 2, FL_ACCOUNT_RDP, FL_SOLVE_STEPS},
    {"pgauss:q=0.01,nm=1*1000", 2, FL_ACCOUNT_PLD, FL_SOLVE_STEPS},
    {"pgauss:q=0.01,nm=1*1000", 2, FL_ACCOUNT_PLD, FL_SOLVE_RATE},
    {"gauss:nm=3*2+gauss:nm=9*4", 6, FL_ACCOUNT_RDP, FL_SOLVE_NOISE},
    {"dgauss:sigma2=100,sens2=7*10", 1, FL_ACCOUNT_RDP, FL_SOLVE_NOISE},
    {"lap:b=1*10", 0.5, FL_ACCOUNT_PLD, FL_SOLVE_NOISE},
    {"epsdelta:eps=0.5,delta=0*1", 7.4, FL_ACCOUNT_RDP, FL_SOLVE_STEPS},
    {"pdgauss:q=0.02,sigma=16777216,sens=16777216*100", 3, FL_ACCOUNT_RDP, FL_SOLVE_RATE},
    {"wor:n=1000,m=10,nm=2*100", 1, FL_ACCOUNT_RDP, FL_SOLVE_NOISE},
};

static void
check_edge(size_t i)
{
    struct fl_events events = {0};
    struct fl_buf text = {0};
    double eps;

    CHECK(!fl_events_parse(&events, table[i].text));
    CHECK(!fl_budget_solve(&events, 1e-6, table[i].target, table[i].by, table[i].what));
    struct fl_event *last = &events.items[events.count - 1];
    CHECK(!fl_event_print(last, &text));
    /* the printed event, read again, is within the target */
    struct fl_events again = {0};
    for (size_t k = 0; k + 1 < events.count; k++)
        CHECK(!fl_events_add(&again, &events.items[k]));
    CHECK(!fl_events_parse(&again, fl_buf_text(&text)));
    CHECK(!fl_charge_by(&again, 1e-6, table[i].by, &eps));
    CHECK(eps <= table[i].target);
    last = &again.items[again.count - 1];
    if (table[i].what == FL_SOLVE_NOISE)
        last->noise *= 1 - 2e-5;
    else if (table[i].what == FL_SOLVE_RATE)
        last->q *= 1 + 2e-5;
    else
        last->count++;
    CHECK(!fl_charge_by(&again, 1e-6, table[i].by, &eps));
    if (!(eps > table[i].target))
        printf("# %s: %s is not the edge\n", table[i].text, fl_buf_text(&text));
    CHECK(eps > table[i].target);
    fl_events_release(&again);
    fl_buf_release(&text);
    fl_events_release(&events);
}

static void
test_edges(void)
{
    for (size_t i = 0; i < sizeof table / sizeof *table; i++)
        check_edge(i);
}

static void
test_refused(void)
{
    static const struct {
        const char *text;
        double target;
        enum fl_solve what;
        enum fl_status status;
    } refused[] = {
        {"gauss:nm=1*10+gauss:nm=1", 2, FL_SOLVE_NOISE, FL_FAILED},
        {"gauss:nm=1*10+gauss:nm=1", 2, FL_SOLVE_STEPS, FL_FAILED},
        {"gauss:nm=1*10", 2, FL_SOLVE_RATE, FL_USAGE},
        {"gauss:nm=1*0", 2, FL_SOLVE_NOISE, FL_USAGE},
        {"epsdelta:eps=1,delta=0", 2, FL_SOLVE_NOISE, FL_USAGE},
        {"plap:q=0.5,b=1", 2, FL_SOLVE_NOISE, FL_USAGE},
    };

    for (size_t i = 0; i < sizeof refused / sizeof *refused; i++) {
        struct fl_events events = {0};
        CHECK(!fl_events_parse(&events, refused[i].text));
        CHECK(fl_budget_solve(&events, 1e-6, refused[i].target, FL_ACCOUNT_RDP, refused[i].what));
        CHECK(fl_error_status() == refused[i].status);
        fl_events_release(&events);
    }
}

static void
test_cost(void)
{
    struct fl_events events = {0};
    struct fl_charge charge;

    CHECK(!fl_events_parse(&events, "pdgauss:q=0.01,sigma=16777216,sens=16777216*500"));
    CHECK(!fl_charge(&events, 1e-6, &charge));
    CHECK(charge.has_pld && charge.about_pld.continuous && charge.pld < charge.rdp.eps);
    CHECK(charge.eps == charge.rdp.eps &&
          charge.by == FL_ACCOUNT_RDP); /* an estimate does not decide */
    CHECK_TEXT(fl_charge_orders(&charge), "2-128,256");
    fl_events_release(&events);
    CHECK(!fl_events_parse(&events, "pgauss:q=0.01,nm=1*500"));
    CHECK(!fl_charge(&events, 1e-6, &charge));
    CHECK(charge.eps == charge.pld && charge.by == FL_ACCOUNT_PLD);
    CHECK(charge.pld == by("pgauss:q=0.01,nm=1*500", 1e-6, FL_ACCOUNT_PLD));
    fl_events_release(&events);
    CHECK(!fl_events_parse(&events, "plap:q=0.5,b=1"));
    CHECK(!fl_charge(&events, 1e-6, &charge));
    CHECK(!charge.has_rdp && charge.eps == charge.pld);
    fl_events_release(&events);
}

int
main(void)
{
    RUN(test_edges);
    RUN(test_refused);
    RUN(test_cost);
    return test_end();
}
