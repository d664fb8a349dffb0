/*
 * The backward pass as engine_state.h draws it: a phase takes gradients through chunks of rows
 * [rows_task], the next makes the gradients of those weights whose operands are whole by then, as
 * tiles of one product over all rows [run_mix]. Gains, which every chunk adds to, have a part for
 * each chunk, added in their order [add_parts].
 */
#include <string.h>

#include "base/least.h"
#include "math/gemm.h"
#include "math/vector.h"
#include "nn/attention.h"
#include "nn/engine_state.h"

enum { TILE_ROWS = 256, TILE_COLUMNS = 512 };

/* The gradient of a matrix of weights: dw (m,n) += dy' x over N_ROWS rows. */
struct product {
    float *dw;
    size_t m, n;
    const float *dy, *x; /* (n_rows,m) and (n_rows,n) */
};

/* What mix l does beside attention. */
struct mix {
    struct fl_engine *e;
    struct product products[4];
    size_t product_count, tiles;
    size_t n_rows;
    size_t gains;  /* tasks that add the parts of gains */
    size_t slices; /* tasks that add the embedding's gradient */
};

static float *
scratch_of(const struct fl_engine *e, int worker)
{
    return e->scratch + (size_t)worker * e->scratch_size;
}

static size_t
tiles_of(const struct product *p)
{
    return (p->m + TILE_ROWS - 1) / TILE_ROWS * ((p->n + TILE_COLUMNS - 1) / TILE_COLUMNS);
}

static void
run_tile(const struct product *p, size_t n_rows, size_t tile)
{
    size_t across = (p->n + TILE_COLUMNS - 1) / TILE_COLUMNS;
    size_t i = tile / across * TILE_ROWS, j = tile % across * TILE_COLUMNS;
    size_t m = fl_min(p->m - i, TILE_ROWS), n = fl_min(p->n - j, TILE_COLUMNS);

    fl_gemm(&(struct fl_gemm){.m = m,
                              .n = n,
                              .k = n_rows,
                              .a = p->dy + i,
                              .lda = p->m,
                              .at = true,
                              .b = p->x + j,
                              .ldb = p->n,
                              .keep = true,
                              .c = p->dw + i * p->n + j,
                              .ldc = p->n});
}

static void
add_product(struct mix *mix, const struct product *p)
{
    mix->products[mix->product_count++] = *p;
    mix->tiles += tiles_of(p);
}

/* Gradient of a gain: the tasks' parts, added in their order. */
static void
add_parts(float *dgain, const float *parts, size_t count, size_t C)
{
    for (size_t i = 0; i < count; i++)
        fl_vec_add(dgain, parts + i * C, C);
}

void
fl_engine_head_back(struct fl_engine *e, size_t i, int worker)
{
    struct range rows = fl_engine_slab_chunk(e, i);
    size_t in_slab = rows.first - e->slab_at;
    float *dfinal = scratch_of(e, worker), *part = e->dgain1 + i * e->C;
    float *dx = e->dx + rows.first * e->C;

    fl_gemm(&(struct fl_gemm){.m = rows.n,
                              .n = e->C,
                              .k = e->V,
                              .a = e->logits + in_slab * e->V,
                              .lda = e->V,
                              .b = e->weights + e->head,
                              .ldb = e->C,
                              .c = dfinal,
                              .ldc = e->C});
    memset(dx, 0, rows.n * e->C * sizeof *dx);
    memset(part, 0, e->C * sizeof *part);
    fl_rmsnorm_backward(&(struct fl_rmsnorm_grads){dx, part, dfinal}, e->r_end + rows.first,
                        e->x_end + rows.first * e->C, e->weights + e->norm, rows.n, e->C);
}

static void
head_grads_task(void *arg, size_t index, int worker)
{
    struct mix *mix = arg;
    struct fl_engine *e = mix->e;

    (void)worker;
    if (index < mix->tiles)
        run_tile(&mix->products[0], mix->n_rows, index);
    else
        add_parts(e->grads + e->norm, e->dgain1, fl_engine_slab_chunks(e), e->C);
}

void
fl_engine_head_grads(struct fl_engine *e)
{
    struct mix mix = {.e = e, .n_rows = fl_min(e->rows - e->slab_at, e->slab)};

    add_product(&mix, &(struct product){e->grads + e->head, e->V, e->C, e->logits, e->final});
    fl_pool_run(e->pool, mix.tiles + 1, head_grads_task, &mix);
}

/* From the gradient of layer L's queries, keys and values to that of what the layer read. */
static void
begin_layer_back(struct fl_engine *e, size_t l, size_t chunk, float *scratch)
{
    struct range rows = fl_engine_chunk(e, chunk);
    const struct saved *s = &e->saved[l];
    const float *gain = e->weights + e->at[l].norm1, *x = s->x + rows.first * e->C;
    float *dqkv = e->dqkv[l & 1] + rows.first * e->Q, *dnormed = scratch;
    float *dx = e->dx + rows.first * e->C, *part = e->dgain1 + chunk * e->C;

    fl_rope_backward(&e->rope, dqkv, e->Q, e->config.heads + e->config.kv_heads, rows.first,
                     rows.n);
    fl_gemm(&(struct fl_gemm){.m = rows.n,
                              .n = e->C,
                              .k = e->Q,
                              .a = dqkv,
                              .lda = e->Q,
                              .b = e->weights + e->at[l].qkv,
                              .ldb = e->C,
                              .c = dnormed,
                              .ldc = e->C});
    fl_rmsnorm_again(e->normed1 + rows.first * e->C, s->r1 + rows.first, x, gain, rows.n, e->C);
    memcpy(dx, e->dmid + rows.first * e->C, rows.n * e->C * sizeof *dx);
    memset(part, 0, e->C * sizeof *part);
    fl_rmsnorm_backward(&(struct fl_rmsnorm_grads){dx, part, dnormed}, s->r1 + rows.first, x, gain,
                        rows.n, e->C);
}

/* From the gradient of what layer L gave on to that of what its attention gave. */
static void
end_layer_back(struct fl_engine *e, size_t l, size_t chunk, float *scratch)
{
    struct range rows = fl_engine_chunk(e, chunk);
    const struct saved *s = &e->saved[l];
    const float *gain = e->weights + e->at[l].norm2, *mid = s->mid + rows.first * e->C;
    float *dnormed = scratch, *dh = scratch + rows.n * e->C;
    float *dx = e->dx + rows.first * e->C, *dmid = e->dmid + rows.first * e->C;
    float *gu = s->gu + rows.first * 2 * e->F, *part = e->dgain2 + chunk * e->C;

    fl_gemm(&(struct fl_gemm){.m = rows.n,
                              .n = e->F,
                              .k = e->C,
                              .a = dx,
                              .lda = e->C,
                              .b = e->weights + e->at[l].down,
                              .ldb = e->F,
                              .c = dh,
                              .ldc = e->F});
    fl_swiglu_backward(e->h + rows.first * e->F, gu, dh, rows.n, e->F);
    fl_gemm(&(struct fl_gemm){.m = rows.n,
                              .n = e->C,
                              .k = 2 * e->F,
                              .a = gu,
                              .lda = 2 * e->F,
                              .b = e->weights + e->at[l].gu,
                              .ldb = e->C,
                              .c = dnormed,
                              .ldc = e->C});
    fl_rmsnorm_again(e->normed2 + rows.first * e->C, s->r2 + rows.first, mid, gain, rows.n, e->C);
    memcpy(dmid, dx, rows.n * e->C * sizeof *dmid);
    memset(part, 0, e->C * sizeof *part);
    fl_rmsnorm_backward(&(struct fl_rmsnorm_grads){dmid, part, dnormed}, s->r2 + rows.first, mid,
                        gain, rows.n, e->C);
    fl_gemm(&(struct fl_gemm){.m = rows.n,
                              .n = e->HD,
                              .k = e->C,
                              .a = dmid,
                              .lda = e->C,
                              .b = e->weights + e->at[l].o,
                              .ldb = e->HD,
                              .c = e->datt + rows.first * e->HD,
                              .ldc = e->HD});
}

static void
rows_task(void *arg, size_t index, int worker)
{
    struct fl_engine *e = arg;
    float *scratch = scratch_of(e, worker);

    if (e->layer + 1 < e->config.layers)
        begin_layer_back(e, (size_t)(e->layer + 1), index, scratch);
    if (e->layer >= 0)
        end_layer_back(e, (size_t)e->layer, index, scratch);
}

static void
attention_back(struct fl_engine *e, size_t layer, size_t i, int worker)
{
    struct fl_attention a;

    fl_engine_attention(e, layer, i, worker, &a);
    const float *qkv = e->saved[layer].qkv;
    float *dqkv = e->dqkv[layer & 1];
    fl_attention_backward(&a, &(struct fl_attention_grads){.dout = e->datt +
                                                                   (a.out - e->saved[layer].att),
                                                           .dq = dqkv + (a.q - qkv),
                                                           .dk = dqkv + (a.k - qkv),
                                                           .dv = dqkv + (a.v - qkv)});
}

/* The embedding's gradient, for SLICE columns of it: rows are added in their order. */
enum { SLICE = 64 };

static void
embed_back(struct fl_engine *e, size_t slice)
{
    size_t at = slice * SLICE, n = fl_min(e->C - at, SLICE);

    for (size_t i = 0; i < e->rows; i++)
        fl_vec_add(e->grads + e->embed + (size_t)e->batch->x[i] * e->C + at, e->dx + i * e->C + at,
                   n);
}

/* Both gains that rows l has made parts of. */
static void
gains_back(struct fl_engine *e)
{
    if (e->layer + 1 < e->config.layers)
        add_parts(e->grads + e->at[e->layer + 1].norm1, e->dgain1, e->chunks, e->C);
    if (e->layer >= 0)
        add_parts(e->grads + e->at[e->layer].norm2, e->dgain2, e->chunks, e->C);
}

/* Large tasks come first, so that threads end together. */
static void
mix_task(void *arg, size_t index, int worker)
{
    struct mix *mix = arg;
    struct fl_engine *e = mix->e;

    for (size_t p = 0; p < mix->product_count; p++) {
        size_t tiles = tiles_of(&mix->products[p]);
        if (index < tiles) {
            run_tile(&mix->products[p], mix->n_rows, index);
            return;
        }
        index -= tiles;
    }
    if (index < mix->slices) {
        embed_back(e, index);
        return;
    }
    index -= mix->slices;
    if (index < mix->gains) {
        gains_back(e);
        return;
    }
    attention_back(e, (size_t)e->layer, index - mix->gains, worker);
}

static void
run_mix(struct fl_engine *e)
{
    struct mix mix = {.e = e, .n_rows = e->rows, .gains = 1};
    size_t attentions = 0;

    if (e->layer >= 0) {
        size_t l = (size_t)e->layer;
        const struct saved *s = &e->saved[l];
        float *d = e->grads;
        add_product(&mix, &(struct product){d + e->at[l].gu, 2 * e->F, e->C, s->gu, e->normed2});
        add_product(&mix, &(struct product){d + e->at[l].down, e->C, e->F, e->dx, e->h});
        add_product(&mix, &(struct product){d + e->at[l].o, e->C, e->HD, e->dmid, s->att});
        attentions = e->batch->B * e->config.kv_heads;
    } else {
        mix.slices = (e->C + SLICE - 1) / SLICE;
    }
    if (e->layer + 1 < e->config.layers) {
        size_t l = (size_t)(e->layer + 1);
        add_product(&mix, &(struct product){e->grads + e->at[l].qkv, e->Q, e->C, e->dqkv[l & 1],
                                            e->normed1});
    }
    fl_pool_run(e->pool, mix.tiles + mix.slices + mix.gains + attentions, mix_task, &mix);
}

void
fl_engine_backward(struct fl_engine *e)
{
    for (e->layer = (int64_t)e->config.layers - 1; e->layer >= -1; e->layer--) {
        fl_pool_run(e->pool, e->chunks, rows_task, e);
        run_mix(e);
        fl_engine_tell(e, 3 * (int64_t)e->config.layers + 1 - 2 * e->layer);
    }
}
