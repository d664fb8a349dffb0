/*
 * The norm is added over PARTS parts and a step is cut into spans of STEP_FLOATS, both by the size
 * of the arrays alone. The step sets the gradients to zero while it has them at hand, which saves a
 * pass over memory.
 */
#include "nn/adamw.h"

#include <math.h>
#include <stdlib.h>

#include "base/least.h"
#include "math/vector.h"

enum { PARTS = 256, STEP_FLOATS = 1 << 16 };

int
fl_adamw_start(struct fl_adamw *a, const struct fl_layout *l)
{
    a->step = 0;
    a->m = fl_layout_array(l);
    a->v = a->m ? fl_layout_array(l) : NULL;
    if (!a->v)
        fl_adamw_release(a);
    return a->v ? 0 : -1;
}

void
fl_adamw_release(struct fl_adamw *a)
{
    free(a->m);
    free(a->v);
    a->m = a->v = NULL;
}

struct norm {
    const float *x;
    size_t size, part;
    double sums[PARTS];
};

static void
norm_task(void *arg, size_t index, int worker)
{
    struct norm *n = arg;
    size_t first = index * n->part, left = first < n->size ? n->size - first : 0;

    (void)worker;
    n->sums[index] = fl_vec_sum_squares(n->x + (left ? first : 0), fl_min(left, n->part));
}

double
fl_array_norm(struct fl_pool *pool, const float *x, size_t size)
{
    struct norm n = {.x = x, .size = size, .part = (size + PARTS - 1) / PARTS};
    double sum = 0;

    fl_pool_run(pool, PARTS, norm_task, &n);
    for (size_t i = 0; i < PARTS; i++)
        sum += n.sums[i];
    return sqrt(sum);
}

double
fl_clip(double norm, double clip)
{
    double c = clip / (norm + 1e-6);

    return clip > 0 && c < 1 ? c : 1;
}

struct step {
    const struct fl_adamw *a;
    const struct fl_model *m;
    struct fl_vec_adamw settings; /* without decay */
    float decay;
    float *grads;
};

/* The pieces of parameters that lie in one span of the array. */
static void
step_task(void *arg, size_t index, int worker)
{
    const struct step *s = arg;
    size_t first = index * STEP_FLOATS, end = first + STEP_FLOATS;

    (void)worker;
    for (size_t i = 0; i < s->m->layout.count; i++) {
        const struct fl_param *p = &s->m->layout.params[i];
        size_t from = fl_max(p->place, first), to = fl_min(p->place + p->count, end);
        if (p->frozen || from >= to)
            continue;
        struct fl_vec_adamw settings = s->settings;
        settings.decay = p->rank > 1 && !p->held ? s->decay : 0;
        fl_vec_adamw(&settings, fl_model_floats(s->m, p) + (from - p->place), s->grads + from,
                     s->a->m + from, s->a->v + from, to - from);
    }
}

/* 1 - beta^t, by squaring */
static double
bias(double beta, uint64_t t)
{
    double power = 1, square = beta;

    while (t) {
        if (t & 1)
            power *= square;
        square *= square;
        t /= 2;
    }
    return 1 - power;
}

void
fl_adamw_step(struct fl_adamw *a, struct fl_model *m, struct fl_pool *pool, float *grads,
              double coefficient, double lr)
{
    a->step++;
    struct step s = {
        .a = a,
        .m = m,
        .decay = (float)(lr * a->decay),
        .settings = {.scale = (float)coefficient,
                     .beta1 = (float)a->beta1,
                     .new1 = (float)(1 - a->beta1),
                     .beta2 = (float)a->beta2,
                     .new2 = (float)(1 - a->beta2),
                     .rate = (float)(lr / bias(a->beta1, a->step)),
                     .inverse_root = (float)(1 / sqrt(bias(a->beta2, a->step))),
                     .eps = (float)a->eps},
    };
    s.grads = grads;
    fl_pool_run(pool, (m->layout.trained + STEP_FLOATS - 1) / STEP_FLOATS, step_task, &s);
}

double
fl_schedule_lr(const struct fl_schedule *s, uint64_t step)
{
    const double pi = 3.14159265358979323846;

    if (step < s->warmup)
        return s->lr * ((double)step + 1) / (double)s->warmup;
    if (s->final == 1)
        return s->lr;
    if (s->kind == FL_SCHEDULE_WSD) {
        uint64_t left = step + 1 < s->steps ? s->steps - 1 - step : 0;
        double part = left < s->decay ? (double)left / (double)s->decay : 1;
        return s->lr * (s->final + (1 - s->final) * part);
    }
    double length = s->steps > s->warmup + 1 ? (double)(s->steps - 1 - s->warmup) : 1;
    double done = (double)(step - s->warmup) / length;
    done = done < 1 ? done : 1;
    return s->lr * (s->final + (1 - s->final) * 0.5 * (1 + cos(pi * done)));
}
