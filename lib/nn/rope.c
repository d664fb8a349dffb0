/* Angles are computed in doubles, once; turning one row's heads is in math/vector.c. */
#include "nn/rope.h"

#include <math.h>

#include "math/vector.h"

double
fl_rope_frequency(const struct fl_config *c, size_t i)
{
    const double pi = 3.14159265358979323846;
    const struct fl_rope_scaling *s = &c->rope_scaling;
    double frequency = pow(c->rope_base, -2.0 * (double)i / (double)fl_config_rotated(c));

    switch (s->kind) {
    case FL_ROPE_PLAIN: break;
    case FL_ROPE_LINEAR: return frequency / s->factor;
    case FL_ROPE_LLAMA3: {
        double waves = s->ctx * frequency / (2 * pi); /* of the first training's context */
        double near = (waves - s->low) / (s->high - s->low);
        near = near < 0 ? 0 : near > 1 ? 1 : near;
        return near * frequency + (1 - near) * (frequency / s->factor);
    }
    }
    return frequency;
}

void
fl_rope_table(float *cosine, float *sine, size_t T, const struct fl_config *c)
{
    size_t half = fl_config_rotated(c) / 2;

    for (size_t i = 0; i < half; i++) {
        double frequency = fl_rope_frequency(c, i);
        for (size_t t = 0; t < T; t++) {
            cosine[t * half + i] = (float)cos((double)t * frequency);
            sine[t * half + i] = (float)sin((double)t * frequency);
        }
    }
}

/* Heads that are turned whole lie together; of others each has its turned part at its start. */
static void
rotate_row(const struct fl_rope *rope, float sign, float *x, size_t count, size_t position)
{
    size_t half = rope->rotated / 2;
    const float *cosine = rope->cosine + position * half, *sine = rope->sine + position * half;

    if (rope->rotated == rope->D) {
        fl_vec_rotate(x, cosine, sine, sign, half, count);
        return;
    }
    for (size_t i = 0; i < count; i++)
        fl_vec_rotate(x + i * rope->D, cosine, sine, sign, half, 1);
}

void
fl_rope_forward(const struct fl_rope *rope, float *x, size_t stride, size_t count, size_t first,
                size_t n)
{
    for (size_t i = 0; rope->cosine && i < n; i++)
        rotate_row(rope, 1, x + i * stride, count, (rope->start + first + i) % rope->T);
}

void
fl_rope_backward(const struct fl_rope *rope, float *dx, size_t stride, size_t count, size_t first,
                 size_t n)
{
    for (size_t i = 0; rope->cosine && i < n; i++)
        rotate_row(rope, -1, dx + i * stride, count, (rope->start + first + i) % rope->T);
}
