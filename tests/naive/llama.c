#include "llama.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/* One window: what the forward pass leaves for the backward pass, per layer where L stands. */
struct window {
    const struct fl_config *c;
    const struct fl_model *m;
    const double *w;
    double *dw;
    size_t T;
    double *x, *mid;      /* (L+1,T,C) residual stream before each layer; (L,T,C) in its middle */
    double *q, *k, *v;    /* (L,T,HD), (L,T,KD), (L,T,KD), rotated */
    double *p, *att;      /* (L,H,T,T) attention, (L,T,HD) */
    double *gate, *up;    /* (L,T,F) */
    double *h;            /* (T,C) scratch: a normed row block */
};

static double *
room(size_t n)
{
    double *p = calloc(n ? n : 1, sizeof *p);

    if (!p)
        abort();
    return p;
}

double *
naive_widen(const struct fl_model *m, const float *values)
{
    double *w = room(m->size);

    for (size_t i = 0; i < m->size; i++)
        w[i] = values[i];
    return w;
}

static size_t
offset_of(const struct fl_model *m, enum fl_param_kind kind, size_t layer)
{
    for (size_t i = 0; i < m->param_count; i++)
        if (m->params[i].kind == kind && m->params[i].layer == layer)
            return m->params[i].offset;
    abort();
}

/* out (T,n) = in (T,k) times matrix (n,k) transposed. */
static void
product(double *out, const double *in, const double *matrix, size_t T, size_t n, size_t k)
{
    for (size_t t = 0; t < T; t++)
        for (size_t i = 0; i < n; i++) {
            double sum = 0;
            for (size_t j = 0; j < k; j++)
                sum += in[t * k + j] * matrix[i * k + j];
            out[t * n + i] = sum;
        }
}

/* din (T,k) += dout (T,n) times matrix (n,k); dmatrix += dout transposed times in. */
static void
product_back(double *din, double *dmatrix, const double *dout, const double *in,
             const double *matrix, size_t T, size_t n, size_t k)
{
    for (size_t t = 0; t < T; t++)
        for (size_t i = 0; i < n; i++)
            for (size_t j = 0; j < k; j++) {
                din[t * k + j] += dout[t * n + i] * matrix[i * k + j];
                dmatrix[i * k + j] += dout[t * n + i] * in[t * k + j];
            }
}

static double
inverse_rms(const double *x, size_t C, double eps)
{
    double sum = 0;

    for (size_t i = 0; i < C; i++)
        sum += x[i] * x[i];
    return 1 / sqrt(sum / (double)C + eps);
}

static void
norm(double *out, const double *x, const double *gain, size_t T, size_t C, double eps)
{
    for (size_t t = 0; t < T; t++) {
        double r = inverse_rms(x + t * C, C, eps);
        for (size_t i = 0; i < C; i++)
            out[t * C + i] = x[t * C + i] * r * gain[i];
    }
}

/* dx += d norm; dgain += its own. */
static void
norm_back(double *dx, double *dgain, const double *dout, const double *x, const double *gain,
          size_t T, size_t C, double eps)
{
    for (size_t t = 0; t < T; t++) {
        const double *xt = x + t * C, *dt = dout + t * C;
        double r = inverse_rms(xt, C, eps), dot = 0;
        for (size_t i = 0; i < C; i++) {
            dot += dt[i] * gain[i] * xt[i];
            dgain[i] += dt[i] * xt[i] * r;
        }
        for (size_t i = 0; i < C; i++)
            dx[t * C + i] += r * dt[i] * gain[i] - r * r * r * dot / (double)C * xt[i];
    }
}

/* Rotate pairs (i, i + D/2) of every head by the position's angles; SIGN -1 turns back. */
static void
rotate(double *x, size_t T, size_t heads, size_t D, double base, double sign)
{
    for (size_t t = 0; t < T; t++)
        for (size_t head = 0; head < heads; head++)
            for (size_t i = 0; i < D / 2; i++) {
                double *a = x + (t * heads + head) * D + i, *b = a + D / 2;
                double angle = sign * (double)t * pow(base, -2.0 * (double)i / (double)D);
                double a0 = *a, b0 = *b;
                *a = a0 * cos(angle) - b0 * sin(angle);
                *b = b0 * cos(angle) + a0 * sin(angle);
            }
}

static void
attention(struct window *s, size_t l)
{
    const struct fl_config *c = s->c;
    size_t T = s->T, H = c->heads, K = c->kv_heads, D = c->head_dim;

    for (size_t h = 0; h < H; h++)
        for (size_t t = 0; t < T; t++) {
            double *p = s->p + ((l * H + h) * T + t) * T, sum = 0, most = -INFINITY;
            const double *q = s->q + ((l * T + t) * H + h) * D;
            for (size_t u = 0; u <= t; u++) {
                const double *k = s->k + ((l * T + u) * K + h / (H / K)) * D;
                p[u] = 0;
                for (size_t i = 0; i < D; i++)
                    p[u] += q[i] * k[i] / sqrt((double)D);
                most = p[u] > most ? p[u] : most;
            }
            for (size_t u = 0; u <= t; u++)
                sum += p[u] = exp(p[u] - most);
            double *out = s->att + ((l * T + t) * H + h) * D;
            for (size_t u = 0; u <= t; u++) {
                const double *v = s->v + ((l * T + u) * K + h / (H / K)) * D;
                p[u] /= sum;
                for (size_t i = 0; i < D; i++)
                    out[i] += p[u] * v[i];
            }
        }
}

static void
attention_back(const struct window *s, size_t l, const double *datt, double *dq, double *dk,
               double *dv)
{
    const struct fl_config *c = s->c;
    size_t T = s->T, H = c->heads, K = c->kv_heads, D = c->head_dim;

    for (size_t h = 0; h < H; h++)
        for (size_t t = 0; t < T; t++) {
            const double *p = s->p + ((l * H + h) * T + t) * T;
            const double *dout = datt + (t * H + h) * D;
            const double *q = s->q + ((l * T + t) * H + h) * D;
            double mean = 0;
            double *dp = room(t + 1);
            for (size_t u = 0; u <= t; u++) {
                size_t kv = u * K + h / (H / K);
                for (size_t i = 0; i < D; i++) {
                    dp[u] += dout[i] * s->v[(l * T * K + kv) * D + i];
                    dv[kv * D + i] += p[u] * dout[i];
                }
                mean += p[u] * dp[u];
            }
            for (size_t u = 0; u <= t; u++) {
                size_t kv = u * K + h / (H / K);
                double ds = p[u] * (dp[u] - mean) / sqrt((double)D);
                for (size_t i = 0; i < D; i++) {
                    dq[(t * H + h) * D + i] += ds * s->k[(l * T * K + kv) * D + i];
                    dk[kv * D + i] += ds * q[i];
                }
            }
            free(dp);
        }
}

static double
sigmoid(double x)
{
    return 1 / (1 + exp(-x));
}

/* a (T,F) = silu(gate) * up of a layer. */
static double *
activation(const struct window *s, size_t l)
{
    size_t n = s->T * s->c->ffn;
    double *a = room(n);

    for (size_t i = 0; i < n; i++) {
        double g = s->gate[l * n + i];
        a[i] = g * sigmoid(g) * s->up[l * n + i];
    }
    return a;
}

static const double *
weight(const struct window *s, enum fl_param_kind kind, size_t l)
{
    return s->w + offset_of(s->m, kind, l);
}

static void
layer(struct window *s, size_t l)
{
    const struct fl_config *c = s->c;
    size_t T = s->T, C = c->channels, HD = (size_t)c->heads * c->head_dim;
    size_t KD = (size_t)c->kv_heads * c->head_dim, F = c->ffn;
    double *x = s->x + l * T * C, *next = x + T * C, *mid = s->mid + l * T * C;

    norm(s->h, x, weight(s, FL_PARAM_NORM1, l), T, C, c->norm_eps);
    product(s->q + l * T * HD, s->h, weight(s, FL_PARAM_Q, l), T, HD, C);
    product(s->k + l * T * KD, s->h, weight(s, FL_PARAM_K, l), T, KD, C);
    product(s->v + l * T * KD, s->h, weight(s, FL_PARAM_V, l), T, KD, C);
    rotate(s->q + l * T * HD, T, c->heads, c->head_dim, c->rope_base, 1);
    rotate(s->k + l * T * KD, T, c->kv_heads, c->head_dim, c->rope_base, 1);
    attention(s, l);
    product(mid, s->att + l * T * HD, weight(s, FL_PARAM_O, l), T, C, HD);
    for (size_t i = 0; i < T * C; i++)
        mid[i] += x[i];
    norm(s->h, mid, weight(s, FL_PARAM_NORM2, l), T, C, c->norm_eps);
    product(s->gate + l * T * F, s->h, weight(s, FL_PARAM_GATE, l), T, F, C);
    product(s->up + l * T * F, s->h, weight(s, FL_PARAM_UP, l), T, F, C);
    double *a = activation(s, l);
    product(next, a, weight(s, FL_PARAM_DOWN, l), T, C, F);
    for (size_t i = 0; i < T * C; i++)
        next[i] += mid[i];
    free(a);
}

static double *
grad(const struct window *s, enum fl_param_kind kind, size_t l)
{
    return s->dw + offset_of(s->m, kind, l);
}

/* The feed-forward half: DX (T,C) holds d next on entry, d mid on return. */
static void
mlp_back(struct window *s, size_t l, double *dx)
{
    const struct fl_config *c = s->c;
    size_t T = s->T, C = c->channels, F = c->ffn;
    const double *mid = s->mid + l * T * C;
    double *a = activation(s, l), *da = room(T * F), *dg = room(T * F), *du = room(T * F);
    double *dh = room(T * C);

    product_back(da, grad(s, FL_PARAM_DOWN, l), dx, a, weight(s, FL_PARAM_DOWN, l), T, C, F);
    for (size_t i = 0; i < T * F; i++) {
        double g = s->gate[l * T * F + i], u = s->up[l * T * F + i], q = sigmoid(g);
        du[i] = da[i] * g * q;
        dg[i] = da[i] * u * q * (1 + g * (1 - q));
    }
    norm(s->h, mid, weight(s, FL_PARAM_NORM2, l), T, C, c->norm_eps);
    product_back(dh, grad(s, FL_PARAM_GATE, l), dg, s->h, weight(s, FL_PARAM_GATE, l), T, F, C);
    product_back(dh, grad(s, FL_PARAM_UP, l), du, s->h, weight(s, FL_PARAM_UP, l), T, F, C);
    norm_back(dx, grad(s, FL_PARAM_NORM2, l), dh, mid, weight(s, FL_PARAM_NORM2, l), T, C,
              c->norm_eps);
    free(a);
    free(da);
    free(dg);
    free(du);
    free(dh);
}

/* The attention half: DX holds d mid on entry, d x on return. */
static void
attention_half_back(struct window *s, size_t l, double *dx)
{
    const struct fl_config *c = s->c;
    size_t T = s->T, C = c->channels, HD = (size_t)c->heads * c->head_dim;
    size_t KD = (size_t)c->kv_heads * c->head_dim;
    const double *x = s->x + l * T * C;
    double *datt = room(T * HD), *dq = room(T * HD), *dk = room(T * KD), *dv = room(T * KD);
    double *dh = room(T * C);

    product_back(datt, grad(s, FL_PARAM_O, l), dx, s->att + l * T * HD, weight(s, FL_PARAM_O, l), T,
                 C, HD);
    attention_back(s, l, datt, dq, dk, dv);
    rotate(dq, T, c->heads, c->head_dim, c->rope_base, -1);
    rotate(dk, T, c->kv_heads, c->head_dim, c->rope_base, -1);
    norm(s->h, x, weight(s, FL_PARAM_NORM1, l), T, C, c->norm_eps);
    product_back(dh, grad(s, FL_PARAM_Q, l), dq, s->h, weight(s, FL_PARAM_Q, l), T, HD, C);
    product_back(dh, grad(s, FL_PARAM_K, l), dk, s->h, weight(s, FL_PARAM_K, l), T, KD, C);
    product_back(dh, grad(s, FL_PARAM_V, l), dv, s->h, weight(s, FL_PARAM_V, l), T, KD, C);
    norm_back(dx, grad(s, FL_PARAM_NORM1, l), dh, x, weight(s, FL_PARAM_NORM1, l), T, C,
              c->norm_eps);
    free(datt);
    free(dq);
    free(dk);
    free(dv);
    free(dh);
}

/* Losses from logits; DLOGITS, when there, gets softmax minus one-hot. */
static double
cross_entropy(const struct window *s, const double *logits, const uint32_t *y, double *loss,
              double *dlogits)
{
    size_t V = s->c->vocab;
    double total = 0;

    for (size_t t = 0; t < s->T; t++) {
        const double *z = logits + t * V;
        double most = -INFINITY, sum = 0;
        if (loss)
            loss[t] = 0;
        if (y[t] == FL_IGNORE)
            continue;
        for (size_t i = 0; i < V; i++)
            most = z[i] > most ? z[i] : most;
        for (size_t i = 0; i < V; i++)
            sum += exp(z[i] - most);
        double one = most + log(sum) - z[y[t]];
        total += one;
        if (loss)
            loss[t] = one;
        for (size_t i = 0; dlogits && i < V; i++)
            dlogits[t * V + i] = exp(z[i] - most) / sum - (i == y[t]);
    }
    return total;
}

static double
run_window(struct window *s, const uint32_t *x, const uint32_t *y, double *loss, double *logits)
{
    const struct fl_config *c = s->c;
    size_t T = s->T, C = c->channels, V = c->vocab, L = c->layers;
    enum fl_param_kind head = c->tied ? FL_PARAM_EMBED : FL_PARAM_HEAD;
    double *last = s->x + L * T * C, *z = room(T * V), *dz = s->dw ? room(T * V) : NULL;

    for (size_t t = 0; t < T; t++)
        memcpy(s->x + t * C, weight(s, FL_PARAM_EMBED, 0) + x[t] * C, C * sizeof *s->x);
    for (size_t l = 0; l < L; l++)
        layer(s, l);
    norm(s->h, last, weight(s, FL_PARAM_NORM, 0), T, C, c->norm_eps);
    product(z, s->h, weight(s, head, 0), T, V, C);
    double total = y ? cross_entropy(s, z, y, loss, dz) : 0;
    if (logits)
        memcpy(logits, z, T * V * sizeof *z);
    if (s->dw) {
        double *dh = room(T * C), *dx = room(T * C);
        product_back(dh, grad(s, head, 0), dz, s->h, weight(s, head, 0), T, V, C);
        norm_back(dx, grad(s, FL_PARAM_NORM, 0), dh, last, weight(s, FL_PARAM_NORM, 0), T, C,
                  c->norm_eps);
        for (size_t l = L; l-- > 0;) {
            mlp_back(s, l, dx);
            attention_half_back(s, l, dx);
        }
        for (size_t t = 0; t < T; t++)
            for (size_t i = 0; i < C; i++)
                grad(s, FL_PARAM_EMBED, 0)[x[t] * C + i] += dx[t * C + i];
        free(dh);
        free(dx);
    }
    free(z);
    free(dz);
    return total;
}

double
naive_llama(const struct fl_model *m, const double *w, const struct fl_batch *batch, double *loss,
            double *logits, double *dw)
{
    const struct fl_config *c = &m->config;
    size_t T = batch->T, L = c->layers, C = c->channels, V = c->vocab;
    size_t HD = (size_t)c->heads * c->head_dim, KD = (size_t)c->kv_heads * c->head_dim;
    double total = 0;

    for (size_t b = 0; b < batch->B; b++) {
        struct window s = {.c = c, .m = m, .w = w, .dw = dw, .T = T};
        s.x = room((L + 1) * T * C);
        s.mid = room(L * T * C);
        s.q = room(L * T * HD);
        s.k = room(L * T * KD);
        s.v = room(L * T * KD);
        s.p = room(L * c->heads * T * T);
        s.att = room(L * T * HD);
        s.gate = room(L * T * c->ffn);
        s.up = room(L * T * c->ffn);
        s.h = room(T * C);
        total += run_window(&s, batch->x + b * T, batch->y ? batch->y + b * T : NULL,
                            loss ? loss + b * T : NULL, logits ? logits + b * T * V : NULL);
        double *all[] = {s.x, s.mid, s.q, s.k, s.v, s.p, s.att, s.gate, s.up, s.h};
        for (size_t i = 0; i < sizeof all / sizeof *all; i++)
            free(all[i]);
    }
    return total;
}
