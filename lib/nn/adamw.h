/*
 * AdamW with decoupled weight decay, the norm of gradients, and the schedule of the learning rate.
 * Sources: Kingma and Ba 2015; Loshchilov and Hutter 2019.
 *
 *   norm = fl_array_norm(pool, grads, m->layout.trained);
 *   fl_adamw_step(&opt, m, pool, grads, fl_clip(norm, 1.0), fl_schedule_lr(&schedule, step));
 *
 * The same result for any number of threads.
 */
#ifndef FL_NN_ADAMW_H
#define FL_NN_ADAMW_H

#include <stdint.h>

#include "base/must.h"
#include "nn/model.h"
#include "os/pool.h"

struct fl_adamw {
    double beta1, beta2, eps;
    double decay;  /* of tensors of rank 2 (embedding and head too); rank 1 is not decayed */
    uint64_t step; /* steps done */
    float *m, *v;  /* moments, over the trained parameters; saved in checkpoints with STEP */
};

#define FL_ADAMW_INIT                                                                              \
    {                                                                                              \
        .beta1 = 0.9, .beta2 = 0.95, .eps = 1e-8, .decay = 0.1                                     \
    }

/* Zero moments of what is trained; settings stay. Returns 0 or -1. Release them when done. */
FL_MUST int fl_adamw_start(struct fl_adamw *a, const struct fl_layout *l);
void fl_adamw_release(struct fl_adamw *a);

/* The square root of the sum of squares of SIZE numbers: double, fixed order. */
double fl_array_norm(struct fl_pool *pool, const float *x, size_t size);

/* What to multiply gradients by: min(1, clip / (norm + 1e-6)); 1 when CLIP is 0. */
double fl_clip(double norm, double clip);

/*
 * One step on the trained parameters of M, f32 in memory (fl_model_to_train), with gradients
 * COEFFICIENT * grads (an array over them), and grads = 0 for the next step:
 *   m = beta1 m + (1-beta1) g;  v = beta2 v + (1-beta2) g^2
 *   w -= lr (decay w + m/(1-beta1^t) / (sqrt(v/(1-beta2^t)) + eps))
 */
void fl_adamw_step(struct fl_adamw *a, struct fl_model *m, struct fl_pool *pool, float *grads,
                   double coefficient, double lr);

enum fl_schedule_kind {
    FL_SCHEDULE_COSINE, /* half a cosine down */
    FL_SCHEDULE_WSD     /* lr, and in the last DECAY steps a straight line down */
};

/*
 * Warm-up: linear from lr/warmup to lr; then as KIND says, to lr * final at step STEPS - 1.
 * Sources: Loshchilov, Hutter 2017 (cosine); Hu et al. 2024, MiniCPM (warm-up, stable, decay).
 */
struct fl_schedule {
    enum fl_schedule_kind kind;
    uint64_t decay;
    double lr, final; /* FINAL: fraction of lr, 0..1; 1 keeps lr constant */
    uint64_t warmup, steps;
};

/* The learning rate of step number STEP, counted from 0; after the last one it stays. */
double fl_schedule_lr(const struct fl_schedule *s, uint64_t step);

#endif
