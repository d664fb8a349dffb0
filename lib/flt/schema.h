/*
 * The list of an object's tensors, and which of them training changes.
 *
 * Whoever takes two objects for two sides of one model (a model and its update, two updates, a
 * checkpoint's arrays, a plan) compares their lists here: one rule of what is trained, one match,
 * one set of messages that name file, tensor, what it has and what would be right.
 *
 * A tensor is trained when it is plain and of a dtype that the engine widens to f32: f32, f16 or
 * bf16. Its update is f32, of the same shape. Whole numbers and bytes (the tokenizer) are carried
 * along unchanged. An f64 tensor, or one that is masked, can be neither, and is refused by name.
 */
#ifndef FL_FLT_SCHEMA_H
#define FL_FLT_SCHEMA_H

#include <stdbool.h>
#include <stddef.h>

#include "base/must.h"
#include "flt/object.h"

struct fl_schema_tensor {
    struct fl_tensor tensor; /* a copy, with its attributes */
    bool trained;
};

struct fl_schema_name;

struct fl_schema { /* a zeroed struct is empty */
    char *name;    /* what has these tensors, for messages: "model.flt", "its configuration" */
    struct fl_schema_tensor *items; /* in the order of the object */
    size_t count, cap;
    struct fl_schema_name *by_name; /* sorted; made when it is first needed */
};

enum fl_schema_flags {
    FL_SCHEMA_ANY_FLOAT = 1, /* f32, f16 and bf16 of one shape are the same */
    FL_SCHEMA_IN_ORDER = 2   /* the tensors come in the schema's order */
};

/* Begin a list; NAME is copied. fl_schema_release it, also after a failure. 0 or -1. */
FL_MUST int fl_schema_start(struct fl_schema *s, const char *name);
void fl_schema_release(struct fl_schema *s);

/* Add a tensor at the end; copied. 0 or -1. */
FL_MUST int fl_schema_add(struct fl_schema *s, const struct fl_tensor *t, bool trained);

/* Is T, of a model that fl_schema_model takes, trained? */
bool fl_schema_trains(const struct fl_tensor *t);

/* All tensors of O. -1 with an error when one of them is of no use to a model. */
FL_MUST int fl_schema_model(struct fl_schema *s, const struct fl_object *o);

/*
 * What an update of MODEL is made of: its trained tensors, as plain f32, in its order. -1 with an
 * error when it has none.
 */
FL_MUST int fl_schema_update(struct fl_schema *s, const struct fl_object *model);

/* The tensor of this name, or NULL (no error recorded); O(log n). */
const struct fl_schema_tensor *fl_schema_find(struct fl_schema *s, const char *name);

/*
 * O has the tensors of WANT and no others: names, shapes, dtypes, roles, attributes; FLAGS as
 * above. 0, or -1 (FL_FAILED). Payloads are not looked at. O(n log n).
 */
FL_MUST int fl_schema_match(struct fl_schema *want, const struct fl_object *o, unsigned flags);

/*
 * One tensor, for what is no object (port/): T of FILE is like RIGHT, a tensor of WANT. Names are
 * not compared, since the caller has found one by the other. RIGHT is NULL when WANT has none for
 * T, and T is NULL when FILE has none for RIGHT; both are refused. 0 or -1.
 */
FL_MUST int fl_schema_match_tensor(const struct fl_schema *want, const struct fl_tensor *right,
                                   const char *file, const struct fl_tensor *t, unsigned flags);

/*
 * The same for tensors that come one after another out of a pipe: T is number I of FILE, and must
 * be number I of WANT; and after the last one, FILE had N of them. 0 or -1.
 */
FL_MUST int fl_schema_match_next(const struct fl_schema *want, size_t i, const char *file,
                                 const struct fl_tensor *t);
FL_MUST int fl_schema_match_end(const struct fl_schema *want, size_t n, const char *file);

#endif
