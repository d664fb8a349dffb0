/*
 * What a hub knows when it plans: what came of the round before, which it counts, and which models
 * it has summed over, so that it can tell who must come to a round before anybody trains.
 */
#ifndef FL_FED_PLANNING_H
#define FL_FED_PLANNING_H

#include "base/must.h"
#include "cli/report.h"
#include "sec/state.h"

/*
 * Count what the opened round of AFTER holds: the last upload of each of its sites, the answers of
 * its helpers, its set. PLAN has its roster, the one in force. -1 (FL_REFUSED) when this hub signed
 * no plan for that round and base, or asked its helpers for another set. In memory only.
 */
FL_MUST int fl_planning_follow(struct fl_state *s, const struct fl_plan *plan,
                               const struct fl_object *after);

/* Remember the plan's MODEL, drafted before, as a base: reads it for its sketch. In memory only. */
FL_MUST int fl_planning_base(struct fl_state *s, const struct fl_plan *plan,
                             struct fl_object *model);

/*
 * In a buffered round: let PLAN, drafted before, list the models whose updates count in it, those
 * of the newest of this hub's plans before it.
 */
FL_MUST int fl_planning_lineage(const struct fl_state *s, struct fl_plan *plan);

struct fl_planning_view {
    double distance; /* L2, to the nearest model that was summed over; infinite: none */
    double edge;     /* below it two models are near */
    bool *must;      /* (n) sites without which no round over this base can be opened; free() it */
};

/* After fl_planning_base. 0 or -1. */
FL_MUST int fl_planning_look(struct fl_state *s, const struct fl_plan *plan,
                             struct fl_planning_view *view);

/*
 * Fill R, a record that was started, with the plan and what it takes at the hub, over a model whose
 * file has so many bytes: fl-plan(1). 0 or -1.
 */
FL_MUST int fl_planning_report(struct fl_report *r, const struct fl_plan *plan,
                               const struct fl_planning_view *view, uint64_t model_bytes);

#endif
