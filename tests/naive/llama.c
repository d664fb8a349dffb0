#include "llama.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "nn/engine.h"

/* What one layer did with one window. */
struct layer {
    double *x, *n1, *q, *k, *v, *p, *att, *mid, *n2, *gate, *up, *h;
};

struct window {
    const struct fl_model *m;
    const double *w;
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

static size_t
offset(const struct fl_model *m, enum fl_param_kind kind, size_t layer)
{
    for (size_t i = 0; i < m->param_count; i++)
        if (m->params[i].kind == kind && m->params[i].layer == layer)
            return m->params[i].offset;
    abort();
}

static size_t
head_offset(const struct fl_model *m)
{
    return offset(m, m->config.tied ? FL_PARAM_EMBED : FL_PARAM_HEAD, 0);
}

/* y (T,out) = x (T,in) W', W (out,in) */
static void
linear(double *y, const double *x, const double *W, size_t T, size_t in, size_t out)
{
    for (size_t t = 0; t < T; t++)
        for (size_t o = 0; o < out; o++) {
            double s = 0;
            for (size_t i = 0; i < in; i++)
                s += x[t * in + i] * W[o * in + i];
            y[t * out + o] = s;
        }
}

static void
linear_back(double *dx, double *dW, const double *dy, const double *x, const double *W, size_t T,
            size_t in, size_t out)
{
    for (size_t t = 0; t < T; t++)
        for (size_t o = 0; o < out; o++)
            for (size_t i = 0; i < in; i++) {
                dx[t * in + i] += dy[t * out + o] * W[o * in + i];
                dW[o * in + i] += dy[t * out + o] * x[t * in + i];
            }
}

static void
norm(double *y, const double *x, const double *gain, size_t T, size_t C, double eps)
{
    for (size_t t = 0; t < T; t++) {
        double s = 0;
        for (size_t c = 0; c < C; c++)
            s += x[t * C + c] * x[t * C + c];
        for (size_t c = 0; c < C; c++)
            y[t * C + c] = gain[c] * x[t * C + c] / sqrt(s / (double)C + eps);
    }
}

/* y_c = g_c x_c / R; dR/dx_j = x_j / (C R) */
static void
norm_back(double *dx, double *dgain, const double *dy, const double *x, const double *gain,
          size_t T, size_t C, double eps)
{
    for (size_t t = 0; t < T; t++) {
        const double *xt = x + t * C, *d = dy + t * C;
        double s = 0, along = 0;
        for (size_t c = 0; c < C; c++)
            s += xt[c] * xt[c];
        double R = sqrt(s / (double)C + eps);
        for (size_t c = 0; c < C; c++)
            along += d[c] * gain[c] * xt[c];
        for (size_t c = 0; c < C; c++) {
            dx[t * C + c] += d[c] * gain[c] / R - along / (R * R) * xt[c] / ((double)C * R);
            dgain[c] += d[c] * xt[c] / R;
        }
    }
}

/* Element i of the half is turned with element i + D/2. */
static void
rope(double *x, size_t T, size_t heads, size_t D, double base, double sign)
{
    for (size_t t = 0; t < T; t++)
        for (size_t h = 0; h < heads; h++)
            for (size_t i = 0; i < D / 2; i++) {
                double angle = (double)t / pow(base, 2 * (double)i / (double)D) * sign;
                double *a = &x[(t * heads + h) * D + i], *b = a + D / 2, u = *a, v = *b;
                *a = u * cos(angle) - v * sin(angle);
                *b = v * cos(angle) + u * sin(angle);
            }
}

static void
attention(const struct window *win, struct layer *s)
{
    size_t T = win->T, H = win->H, K = win->K, D = win->D;

    for (size_t h = 0; h < H; h++)
        for (size_t t = 0; t < T; t++) {
            size_t g = h / (H / K);
            double *p = s->p + (h * T + t) * T, sum = 0, max = -INFINITY;
            for (size_t u = 0; u <= t; u++) {
                double dot = 0;
                for (size_t i = 0; i < D; i++)
                    dot += s->q[(t * H + h) * D + i] * s->k[(u * K + g) * D + i];
                p[u] = dot / sqrt((double)D);
                max = fmax(max, p[u]);
            }
            for (size_t u = 0; u <= t; u++)
                sum += p[u] = exp(p[u] - max);
            for (size_t u = 0; u <= t; u++) {
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
            for (size_t u = 0; u <= t; u++) {
                dp[u] = 0;
                for (size_t i = 0; i < D; i++) {
                    dp[u] += d[i] * s->v[(u * K + g) * D + i];
                    dv[(u * K + g) * D + i] += d[i] * p[u];
                }
                mean += p[u] * dp[u];
            }
            for (size_t u = 0; u <= t; u++) {
                double ds = p[u] * (dp[u] - mean) / sqrt((double)D);
                for (size_t i = 0; i < D; i++) {
                    dq[(t * H + h) * D + i] += ds * s->k[(u * K + g) * D + i];
                    dk[(u * K + g) * D + i] += ds * s->q[(t * H + h) * D + i];
                }
            }
        }
    free(dp);
}

#define W(kind)  (win->w + offset(win->m, FL_PARAM_##kind, l))
#define DW(kind) (grads + offset(win->m, FL_PARAM_##kind, l))

static void
layer_forward(const struct window *win, size_t l, double *out)
{
    struct layer *s = &win->layers[l];
    size_t T = win->T, C = win->C, HD = win->H * win->D, KD = win->K * win->D, F = win->F;
    const struct fl_config *c = &win->m->config;

    norm(s->n1, s->x, W(NORM1), T, C, c->norm_eps);
    linear(s->q, s->n1, W(Q), T, C, HD);
    linear(s->k, s->n1, W(K), T, C, KD);
    linear(s->v, s->n1, W(V), T, C, KD);
    rope(s->q, T, win->H, win->D, c->rope_base, 1);
    rope(s->k, T, win->K, win->D, c->rope_base, 1);
    attention(win, s);
    linear(s->mid, s->att, W(O), T, HD, C);
    for (size_t i = 0; i < T * C; i++)
        s->mid[i] += s->x[i];
    norm(s->n2, s->mid, W(NORM2), T, C, c->norm_eps);
    linear(s->gate, s->n2, W(GATE), T, C, F);
    linear(s->up, s->n2, W(UP), T, C, F);
    for (size_t i = 0; i < T * F; i++)
        s->h[i] = s->gate[i] / (1 + exp(-s->gate[i])) * s->up[i];
    linear(out, s->h, W(DOWN), T, F, C);
    for (size_t i = 0; i < T * C; i++)
        out[i] += s->mid[i];
}

/* dx (T,C): of the layer's output before, of its input after */
static void
layer_back(const struct window *win, size_t l, double *dx, double *grads)
{
    const struct layer *s = &win->layers[l];
    size_t T = win->T, C = win->C, HD = win->H * win->D, KD = win->K * win->D, F = win->F;
    const struct fl_config *c = &win->m->config;
    double *dh = array(T * F), *dgate = array(T * F), *dup = array(T * F), *dn = array(T * C);
    double *datt = array(T * HD), *dq = array(T * HD), *dk = array(T * KD), *dv = array(T * KD);
    double *dn1 = array(T * C);

    linear_back(dh, DW(DOWN), dx, s->h, W(DOWN), T, F, C);
    for (size_t i = 0; i < T * F; i++) {
        double g = s->gate[i], sigma = 1 / (1 + exp(-g));
        dup[i] = dh[i] * g * sigma;
        dgate[i] = dh[i] * s->up[i] * (sigma + g * sigma * (1 - sigma));
    }
    linear_back(dn, DW(GATE), dgate, s->n2, W(GATE), T, C, F);
    linear_back(dn, DW(UP), dup, s->n2, W(UP), T, C, F);
    norm_back(dx, DW(NORM2), dn, s->mid, W(NORM2), T, C, c->norm_eps);
    linear_back(datt, DW(O), dx, s->att, W(O), T, HD, C);
    attention_back(win, s, datt, dq, dk, dv);
    rope(dq, T, win->H, win->D, c->rope_base, -1);
    rope(dk, T, win->K, win->D, c->rope_base, -1);
    linear_back(dn1, DW(Q), dq, s->n1, W(Q), T, C, HD);
    linear_back(dn1, DW(K), dk, s->n1, W(K), T, C, KD);
    linear_back(dn1, DW(V), dv, s->n1, W(V), T, C, KD);
    norm_back(dx, DW(NORM1), dn1, s->x, W(NORM1), T, C, c->norm_eps);
    free(dh), free(dgate), free(dup), free(dn), free(dn1);
    free(datt), free(dq), free(dk), free(dv);
}

static void
new_layers(struct window *win, size_t L)
{
    size_t T = win->T, C = win->C, HD = win->H * win->D, KD = win->K * win->D, F = win->F;

    win->layers = calloc(L, sizeof *win->layers);
    for (size_t l = 0; l < L; l++)
        win->layers[l] = (struct layer){array(T * C),  array(T * C),  array(T * HD),
                                        array(T * KD), array(T * KD), array(win->H * T * T),
                                        array(T * HD), array(T * C),  array(T * C),
                                        array(T * F),  array(T * F),  array(T * F)};
    win->end = array(T * C);
    win->final = array(T * C);
    win->logits = array(T * win->V);
}

static void
release(struct window *win, size_t L)
{
    for (size_t l = 0; l < L; l++) {
        struct layer *s = &win->layers[l];
        free(s->x), free(s->n1), free(s->q), free(s->k), free(s->v), free(s->p), free(s->att);
        free(s->mid), free(s->n2), free(s->gate), free(s->up), free(s->h);
    }
    free(win->layers), free(win->end), free(win->final), free(win->logits);
}

static void
window_forward(struct window *win, const uint32_t *x)
{
    const struct fl_model *m = win->m;
    size_t L = m->config.layers, T = win->T, C = win->C;

    for (size_t t = 0; t < T; t++)
        memcpy(win->layers[0].x + t * C, win->w + offset(m, FL_PARAM_EMBED, 0) + x[t] * C,
               C * sizeof(double));
    for (size_t l = 0; l < L; l++)
        layer_forward(win, l, l + 1 < L ? win->layers[l + 1].x : win->end);
    norm(win->final, win->end, win->w + offset(m, FL_PARAM_NORM, 0), T, C, m->config.norm_eps);
    linear(win->logits, win->final, win->w + head_offset(m), T, C, win->V);
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
window_back(const struct window *win, const uint32_t *x, double scale, double *grads)
{
    const struct fl_model *m = win->m;
    size_t T = win->T, C = win->C;
    double *dfinal = array(T * C), *dx = array(T * C);

    for (size_t i = 0; i < T * win->V; i++)
        win->logits[i] *= scale;
    linear_back(dfinal, grads + head_offset(m), win->logits, win->final, win->w + head_offset(m), T,
                C, win->V);
    norm_back(dx, grads + offset(m, FL_PARAM_NORM, 0), dfinal, win->end,
              win->w + offset(m, FL_PARAM_NORM, 0), T, C, m->config.norm_eps);
    for (size_t l = m->config.layers; l-- > 0;)
        layer_back(win, l, dx, grads);
    for (size_t t = 0; t < T; t++)
        for (size_t c = 0; c < C; c++)
            grads[offset(m, FL_PARAM_EMBED, 0) + x[t] * C + c] += dx[t * C + c];
    free(dfinal), free(dx);
}

double
naive_llama(const struct fl_model *m, const double *w, const struct naive_batch *batch,
            double *loss, double *logits, double *grads)
{
    const struct fl_config *c = &m->config;
    double sum = 0;

    for (size_t b = 0; b < batch->B; b++) {
        struct window win = {.m = m,
                             .w = w,
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
            window_back(&win, batch->x + b * T, batch->scale, grads);
        release(&win, c->layers);
    }
    return sum;
}
