/* A training that ends after that time sends at once: the round would miss it otherwise. */
#include "fed/sending.h"

#include <string.h>

#include "os/clock.h"
#include "sec/plan.h"

bool
fl_sending_waits(struct fl_standing *s, uint64_t round, const char *kind)
{
    const int64_t now = (int64_t)(fl_realtime_ns() / 1000000000u);
    char then[FL_UTC_TEXT];
    struct fl_plan plan = {0};

    if (s->setup.roster.noise.kind != FL_NOISE_LOCAL || strcmp(kind, "up"))
        return false;
    if (fl_plan_read(&plan, fl_standing_file(s, round, "plan.flt"), NULL))
        return true;
    bool waits = *plan.deadline &&
                 strcmp(fl_utc_at(now + s->setup.conf.send, then), plan.deadline) < 0;
    fl_plan_release(&plan);
    return waits;
}
