#include "decoder.h"

#include <math.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "nn/engine.h"

static const double pi = 3.14159265358979323846;

/* What one layer did with one window: q0 and k0 before their norms and rotation, u before act. */
struct layer {
    double *x, *n1, *q0, *k0, *q, *k, *v, *p, *att, *mid, *n2, *gate, *up, *h;
};

struct window {
    const struct fl_model *m;
    const struct fl_config *c;
    const double *w;
    double *grads; /* or NULL */
    size_t T, C, H, K, D, F, V;
    struct layer *layers;
    double *end, *final, *logits; /* (T,C), (T,C), (T,V) */
};

static double *
array(size_t n)
{
    double *a = calloc(n ? n : 1, sizeof *a);

    if (!a)
        abort();
    return a;
}

/* A parameter and its gradient; NULL when the model has none such. */
struct tensor {
    const double *w;
    double *d;
};

static struct tensor
find(const struct window *win, enum fl_param_kind kind, bool bias, size_t layer)
{
    for (size_t i = 0; i < win->m->layout.count; i++) {
        const struct fl_param *p = &win->m->layout.params[i];
        if (p->kind == kind && p->bias == bias && p->layer == layer)
            return (struct tensor){win->w + p->offset, win->grads ? win->grads + p->offset : NULL};
    }
    return (struct tensor){NULL, NULL};
}

#define WEIGHT(kind, layer) find(win, FL_PARAM_##kind, false, layer)
#define BIAS(kind, layer)   find(win, FL_PARAM_##kind, true, layer)

/* y (T,out) = x (T,in) W' + b, W (out,in) */
static void
linear(double *y, const double *x, struct tensor W, struct tensor b, const size_t shape[3])
{
    size_t T = shape[0], in = shape[1], out = shape[2];

    for (size_t t = 0; t < T; t++)
        for (size_t o = 0; o < out; o++) {
            double s = b.w ? b.w[o] : 0;
            for (size_t i = 0; i < in; i++)
                s += x[t * in + i] * W.w[o * in + i];
            y[t * out + o] = s;
        }
}

static void
linear_back(double *dx, const double *dy, const double *x, struct tensor W, struct tensor b,
            const size_t shape[3])
{
    size_t T = shape[0], in = shape[1], out = shape[2];

    for (size_t t = 0; t < T; t++)
        for (size_t o = 0; o < out; o++) {
            if (b.d)
                b.d[o] += dy[t * out + o];
            for (size_t i = 0; i < in; i++) {
                dx[t * in + i] += dy[t * out + o] * W.w[o * in + i];
                W.d[o * in + i] += dy[t * out + o] * x[t * in + i];
            }
        }
}

/* Of one row: its mean (0 for RMS) and the root of the mean square about it. */
static double
spread(const double *x, size_t C, double eps, bool centered, double *mean)
{
    double s = 0;

    *mean = 0;
    for (size_t c = 0; centered && c < C; c++)
        *mean += x[c] / (double)C;
    for (size_t c = 0; c < C; c++)
        s += (x[c] - *mean) * (x[c] - *mean);
    return sqrt(s / (double)C + eps);
}

/* Rows of C; with a bias it is a layer norm, without one RMS. */
static void
norm(double *y, const double *x, struct tensor gain, struct tensor bias, size_t T, size_t C,
     double eps)
{
    for (size_t t = 0; t < T; t++) {
        double mean, R = spread(x + t * C, C, eps, bias.w, &mean);
        for (size_t c = 0; c < C; c++)
            y[t * C + c] = gain.w[c] * (x[t * C + c] - mean) / R + (bias.w ? bias.w[c] : 0);
    }
}

/* y_c = g_c (x_c - m) / R; dR/dx_j = (x_j - m) / (C R), dm/dx_j = 1 / C */
static void
norm_back(double *dx, const double *dy, const double *x, struct tensor gain, struct tensor bias,
          size_t T, size_t C, double eps)
{
    for (size_t t = 0; t < T; t++) {
        const double *d = dy + t * C;
        double mean, R = spread(x + t * C, C, eps, bias.w, &mean), along = 0, sum = 0;
        for (size_t c = 0; c < C; c++) {
            along += d[c] * gain.w[c] * (x[t * C + c] - mean);
            sum += d[c] * gain.w[c];
        }
        for (size_t c = 0; c < C; c++) {
            double z = x[t * C + c] - mean;
            dx[t * C + c] += d[c] * gain.w[c] / R - along / (R * R) * z / ((double)C * R);
            if (bias.w)
                dx[t * C + c] -= sum / (R * (double)C);
            gain.d[c] += d[c] * z / R;
            if (bias.w)
                bias.d[c] += d[c];
        }
    }
}

/* As transformers' modeling_rope_utils.py, by wave lengths. */
static double
frequency(const struct fl_config *c, size_t i, size_t rotated)
{
    const struct fl_rope_scaling *s = &c->rope_scaling;
    double f = 1 / pow(c->rope_base, 2 * (double)i / (double)rotated), wave = 2 * pi / f;

    if (s->kind == FL_ROPE_LINEAR)
        return f / s->factor;
    if (s->kind != FL_ROPE_LLAMA3 || wave < s->ctx / s->high)
        return f;
    if (wave > s->ctx / s->low)
        return f / s->factor;
    double smooth = (s->ctx / wave - s->low) / (s->high - s->low);
    return (1 - smooth) * f / s->factor + smooth * f;
}

/* Element i of the first half of what is turned is turned with element i of the second. */
static void
rope(const struct window *win, double *x, size_t heads, double sign)
{
    size_t D = win->D, R = win->c->rope_dim ? win->c->rope_dim : D;

    if (win->c->positions == FL_POSITIONS_LEARNED)
        return;
    for (size_t t = 0; t < win->T; t++)
        for (size_t h = 0; h < heads; h++)
            for (size_t i = 0; i < R / 2; i++) {
                double angle = (double)t * frequency(win->c, i, R) * sign;
                double *a = &x[(t * heads + h) * D + i], *b = a + R / 2, u = *a, v = *b;
                *a = u * cos(angle) - v * sin(angle);
                *b = v * cos(angle) + u * sin(angle);
            }
}

/* With a window of W tokens, token t sees t - W + 1 .. t. */
static size_t
first_seen(const struct window *win, size_t t)
{
    size_t W = win->c->window;

    return W && t >= W ? t - W + 1 : 0;
}

static void
attention(const struct window *win, struct layer *s)
{
    size_t T = win->T, H = win->H, K = win->K, D = win->D;

    for (size_t h = 0; h < H; h++)
        for (size_t t = 0; t < T; t++) {
            size_t g = h / (H / K);
            double *p = s->p + (h * T + t) * T, sum = 0, max = -INFINITY;
            for (size_t u = first_seen(win, t); u <= t; u++) {
                double dot = 0;
                for (size_t i = 0; i < D; i++)
                    dot += s->q[(t * H + h) * D + i] * s->k[(u * K + g) * D + i];
                p[u] = dot / sqrt((double)D);
                max = fmax(max, p[u]);
            }
            for (size_t u = first_seen(win, t); u <= t; u++)
                sum += p[u] = exp(p[u] - max);
            for (size_t u = first_seen(win, t); u <= t; u++) {
                p[u] /= sum;
                for (size_t i = 0; i < D; i++)
                    s->att[(t * H + h) * D + i] += p[u] * s->v[(u * K + g) * D + i];
            }
        }
}

static void
attention_back(const struct window *win, const struct layer *s, const double *datt, double *dq,
               double *dk, double *dv)
{
    size_t T = win->T, H = win->H, K = win->K, D = win->D;
    double *dp = array(T);

    for (size_t h = 0; h < H; h++)
        for (size_t t = 0; t < T; t++) {
            size_t g = h / (H / K);
            const double *p = s->p + (h * T + t) * T, *d = datt + (t * H + h) * D;
            double mean = 0;
            for (size_t u = first_seen(win, t); u <= t; u++) {
                dp[u] = 0;
                for (size_t i = 0; i < D; i++) {
                    dp[u] += d[i] * s->v[(u * K + g) * D + i];
                    dv[(u * K + g) * D + i] += d[i] * p[u];
                }
                mean += p[u] * dp[u];
            }
            for (size_t u = first_seen(win, t); u <= t; u++) {
                double ds = p[u] * (dp[u] - mean) / sqrt((double)D);
                for (size_t i = 0; i < D; i++) {
                    dq[(t * H + h) * D + i] += ds * s->k[(u * K + g) * D + i];
                    dk[(u * K + g) * D + i] += ds * s->q[(t * H + h) * D + i];
                }
            }
        }
    free(dp);
}

/* h = act(gate, up) and, with DH, its gradients; GATE is of SwiGLU alone. */
static double
act(enum fl_act kind, double gate, double up, double *dgate, double *dup)
{
    double sigma = 1 / (1 + exp(-gate)), below = 0.5 * (1 + erf(up / sqrt(2)));
    double t = tanh(sqrt(2 / pi) * (up + 0.044715 * pow(up, 3)));

    *dgate = 0;
    switch (kind) {
    case FL_ACT_SWIGLU:
        *dgate = up * (sigma + gate * sigma * (1 - sigma));
        *dup = gate * sigma;
        return gate * sigma * up;
    case FL_ACT_GELU: *dup = below + up * exp(-up * up / 2) / sqrt(2 * pi); return up * below;
    case FL_ACT_GELU_TANH:
        *dup = 0.5 * (1 + t) + 0.5 * up * (1 - t * t) * sqrt(2 / pi) * (1 + 3 * 0.044715 * up * up);
        return 0.5 * up * (1 + t);
    }
    abort();
}

static void
heads_forward(const struct window *win, size_t l)
{
    struct layer *s = &win->layers[l];
    size_t T = win->T, C = win->C, HD = win->H * win->D, KD = win->K * win->D;
    const struct tensor none = {NULL, NULL};
    const size_t q[3] = {T, C, HD}, k[3] = {T, C, KD};

    linear(s->q0, s->n1, WEIGHT(Q, l), BIAS(Q, l), q);
    linear(s->k0, s->n1, WEIGHT(K, l), BIAS(K, l), k);
    linear(s->v, s->n1, WEIGHT(V, l), BIAS(V, l), k);
    memcpy(s->q, s->q0, T * HD * sizeof(double));
    memcpy(s->k, s->k0, T * KD * sizeof(double));
    if (win->c->qk_norm) {
        norm(s->q, s->q0, WEIGHT(Q_NORM, l), none, T * win->H, win->D, win->c->norm_eps);
        norm(s->k, s->k0, WEIGHT(K_NORM, l), none, T * win->K, win->D, win->c->norm_eps);
    }
    rope(win, s->q, win->H, 1);
    rope(win, s->k, win->K, 1);
}

static void
layer_forward(const struct window *win, size_t l, double *out)
{
    struct layer *s = &win->layers[l];
    size_t T = win->T, C = win->C, HD = win->H * win->D, F = win->F;
    const size_t o[3] = {T, HD, C}, up[3] = {T, C, F}, down[3] = {T, F, C};
    double unused;

    norm(s->n1, s->x, WEIGHT(NORM1, l), BIAS(NORM1, l), T, C, win->c->norm_eps);
    heads_forward(win, l);
    attention(win, s);
    linear(s->mid, s->att, WEIGHT(O, l), BIAS(O, l), o);
    for (size_t i = 0; i < T * C; i++)
        s->mid[i] += s->x[i];
    norm(s->n2, s->mid, WEIGHT(NORM2, l), BIAS(NORM2, l), T, C, win->c->norm_eps);
    if (win->c->act == FL_ACT_SWIGLU)
        linear(s->gate, s->n2, WEIGHT(GATE, l), BIAS(GATE, l), up);
    linear(s->up, s->n2, WEIGHT(UP, l), BIAS(UP, l), up);
    for (size_t i = 0; i < T * F; i++)
        s->h[i] = act(win->c->act, s->gate[i], s->up[i], &unused, &unused);
    linear(out, s->h, WEIGHT(DOWN, l), BIAS(DOWN, l), down);
    for (size_t i = 0; i < T * C; i++)
        out[i] += s->mid[i];
}

/* From those of turned queries and keys, and of values, to dn1. */
static void
heads_back(const struct window *win, size_t l, double *dq, double *dk, const double *dv,
           double *dn1)
{
    struct layer *s = &win->layers[l];
    size_t T = win->T, C = win->C, HD = win->H * win->D, KD = win->K * win->D;
    const struct tensor none = {NULL, NULL};
    const size_t q[3] = {T, C, HD}, k[3] = {T, C, KD};
    double *dq0 = array(T * HD), *dk0 = array(T * KD), eps = win->c->norm_eps;

    rope(win, dq, win->H, -1);
    rope(win, dk, win->K, -1);
    if (win->c->qk_norm) {
        norm_back(dq0, dq, s->q0, WEIGHT(Q_NORM, l), none, T * win->H, win->D, eps);
        norm_back(dk0, dk, s->k0, WEIGHT(K_NORM, l), none, T * win->K, win->D, eps);
    } else {
        memcpy(dq0, dq, T * HD * sizeof *dq);
        memcpy(dk0, dk, T * KD * sizeof *dk);
    }
    linear_back(dn1, dq0, s->n1, WEIGHT(Q, l), BIAS(Q, l), q);
    linear_back(dn1, dk0, s->n1, WEIGHT(K, l), BIAS(K, l), k);
    linear_back(dn1, dv, s->n1, WEIGHT(V, l), BIAS(V, l), k);
    free(dq0), free(dk0);
}

/* dx (T,C): of the layer's output before, of its input after */
static void
layer_back(const struct window *win, size_t l, double *dx)
{
    const struct layer *s = &win->layers[l];
    size_t T = win->T, C = win->C, HD = win->H * win->D, KD = win->K * win->D, F = win->F;
    const size_t o[3] = {T, HD, C}, up[3] = {T, C, F}, down[3] = {T, F, C};
    double *dh = array(T * F), *dgate = array(T * F), *dup = array(T * F), *dn = array(T * C);
    double *datt = array(T * HD), *dq = array(T * HD), *dk = array(T * KD), *dv = array(T * KD);
    double *dn1 = array(T * C), eps = win->c->norm_eps;

    linear_back(dh, dx, s->h, WEIGHT(DOWN, l), BIAS(DOWN, l), down);
    for (size_t i = 0; i < T * F; i++) {
        act(win->c->act, s->gate[i], s->up[i], &dgate[i], &dup[i]);
        dgate[i] *= dh[i];
        dup[i] *= dh[i];
    }
    if (win->c->act == FL_ACT_SWIGLU)
        linear_back(dn, dgate, s->n2, WEIGHT(GATE, l), BIAS(GATE, l), up);
    linear_back(dn, dup, s->n2, WEIGHT(UP, l), BIAS(UP, l), up);
    norm_back(dx, dn, s->mid, WEIGHT(NORM2, l), BIAS(NORM2, l), T, C, eps);
    linear_back(datt, dx, s->att, WEIGHT(O, l), BIAS(O, l), o);
    attention_back(win, s, datt, dq, dk, dv);
    heads_back(win, l, dq, dk, dv, dn1);
    norm_back(dx, dn1, s->x, WEIGHT(NORM1, l), BIAS(NORM1, l), T, C, eps);
    free(dh), free(dgate), free(dup), free(dn), free(dn1);
    free(datt), free(dq), free(dk), free(dv);
}

static void
new_layers(struct window *win, size_t L)
{
    size_t T = win->T, C = win->C, HD = win->H * win->D, KD = win->K * win->D, F = win->F;

    win->layers = calloc(L, sizeof *win->layers);
    for (size_t l = 0; l < L; l++)
        win->layers[l] = (struct layer){.x = array(T * C),
                                        .n1 = array(T * C),
                                        .q0 = array(T * HD),
                                        .k0 = array(T * KD),
                                        .q = array(T * HD),
                                        .k = array(T * KD),
                                        .v = array(T * KD),
                                        .p = array(win->H * T * T),
                                        .att = array(T * HD),
                                        .mid = array(T * C),
                                        .n2 = array(T * C),
                                        .gate = array(T * F),
                                        .up = array(T * F),
                                        .h = array(T * F)};
    win->end = array(T * C);
    win->final = array(T * C);
    win->logits = array(T * win->V);
}

static void
release(struct window *win, size_t L)
{
    for (size_t l = 0; l < L; l++) {
        struct layer *s = &win->layers[l];
        free(s->x), free(s->n1), free(s->q0), free(s->k0), free(s->q), free(s->k), free(s->v);
        free(s->p), free(s->att), free(s->mid), free(s->n2), free(s->gate), free(s->up);
        free(s->h);
    }
    free(win->layers), free(win->end), free(win->final), free(win->logits);
}

static struct tensor
head_of(const struct window *win)
{
    return win->c->tied ? WEIGHT(EMBED, 0) : WEIGHT(HEAD, 0);
}

static void
window_forward(struct window *win, const uint32_t *x)
{
    size_t L = win->c->layers, T = win->T, C = win->C;
    const size_t head[3] = {T, C, win->V};
    const struct tensor none = {NULL, NULL}, embed = WEIGHT(EMBED, 0), at = WEIGHT(POSITIONS, 0);

    for (size_t t = 0; t < T; t++)
        for (size_t c = 0; c < C; c++)
            win->layers[0].x[t * C + c] = embed.w[x[t] * C + c] + (at.w ? at.w[t * C + c] : 0);
    for (size_t l = 0; l < L; l++)
        layer_forward(win, l, l + 1 < L ? win->layers[l + 1].x : win->end);
    norm(win->final, win->end, WEIGHT(NORM, 0), BIAS(NORM, 0), T, C, win->c->norm_eps);
    linear(win->logits, win->final, head_of(win), none, head);
}

/* -ln softmax(logits)[y]; the logits become its gradient. */
static double
loss_of(double *logits, size_t V, uint32_t y)
{
    double max = -INFINITY, sum = 0, result = 0;

    for (size_t i = 0; i < V; i++)
        max = fmax(max, logits[i]);
    for (size_t i = 0; i < V; i++)
        sum += exp(logits[i] - max);
    if (y != FL_IGNORE)
        result = log(sum) + max - logits[y];
    for (size_t i = 0; i < V; i++)
        logits[i] = y == FL_IGNORE ? 0 : exp(logits[i] - max) / sum - (i == y);
    return result;
}

static void
window_back(const struct window *win, const uint32_t *x, double scale)
{
    size_t T = win->T, C = win->C;
    const size_t head[3] = {T, C, win->V};
    const struct tensor none = {NULL, NULL}, embed = WEIGHT(EMBED, 0), at = WEIGHT(POSITIONS, 0);
    double *dfinal = array(T * C), *dx = array(T * C);

    for (size_t i = 0; i < T * win->V; i++)
        win->logits[i] *= scale;
    linear_back(dfinal, win->logits, win->final, head_of(win), none, head);
    norm_back(dx, dfinal, win->end, WEIGHT(NORM, 0), BIAS(NORM, 0), T, C, win->c->norm_eps);
    for (size_t l = win->c->layers; l-- > 0;)
        layer_back(win, l, dx);
    for (size_t t = 0; t < T; t++)
        for (size_t c = 0; c < C; c++) {
            embed.d[x[t] * C + c] += dx[t * C + c];
            if (at.d)
                at.d[t * C + c] += dx[t * C + c];
        }
    free(dfinal), free(dx);
}

double
naive_decoder(const struct fl_model *m, const double *w, const struct naive_batch *batch,
              double *loss, double *logits, double *grads)
{
    const struct fl_config *c = &m->layout.config;
    double sum = 0;

    for (size_t b = 0; b < batch->B; b++) {
        struct window win = {.m = m,
                             .c = c,
                             .w = w,
                             .grads = grads,
                             .T = batch->T,
                             .C = c->channels,
                             .H = c->heads,
                             .K = c->kv_heads,
                             .D = c->head_dim,
                             .F = c->ffn,
                             .V = c->vocab};
        size_t T = batch->T, V = c->vocab;
        new_layers(&win, c->layers);
        window_forward(&win, batch->x + b * T);
        if (logits)
            memcpy(logits + b * T * V, win.logits, T * V * sizeof *logits);
        for (size_t t = 0; batch->y && t < T; t++) {
            double one = loss_of(win.logits + t * V, V, batch->y[b * T + t]);
            sum += one;
            if (loss)
                loss[b * T + t] = one;
        }
        if (grads)
            window_back(&win, batch->x + b * T, batch->scale);
        release(&win, c->layers);
    }
    return sum;
}
