#include "nn/order.h"

#include <assert.h>

/* The finalizer of SplitMix64 (Steele, Lea and Flood 2014): a mixing bijection of 64 bits. */
static uint64_t
mix(uint64_t x)
{
    x = (x ^ x >> 30) * 0xbf58476d1ce4e5b9u;
    x = (x ^ x >> 27) * 0x94d049bb133111ebu;
    return x ^ x >> 31;
}

/* A value for each use of a seed: STREAM and INDEX count what is drawn. */
static uint64_t
draw(uint64_t seed, uint64_t stream, uint64_t index)
{
    const uint64_t step = 0x9e3779b97f4a7c15u;

    return mix(mix(mix(seed + step) + (stream + 1) * step) + (index + 1) * step);
}

void
fl_permutation_init(struct fl_permutation *p, uint64_t count, uint64_t seed, uint64_t stream)
{
    assert(count >= 1 && count <= UINT64_C(1) << 62);
    *p = (struct fl_permutation){.count = count, .half = 1};
    while (count > UINT64_C(1) << 2 * p->half)
        p->half++;
    for (unsigned r = 0; r < sizeof p->keys / sizeof *p->keys; r++)
        p->keys[r] = draw(seed, stream, r);
}

uint64_t
fl_permutation_at(const struct fl_permutation *p, uint64_t i)
{
    const uint64_t mask = (UINT64_C(1) << p->half) - 1;

    assert(i < p->count);
    do {
        uint64_t left = i >> p->half, right = i & mask;
        for (unsigned r = 0; r < sizeof p->keys / sizeof *p->keys; r++) {
            uint64_t next = left ^ (mix(right + p->keys[r]) & mask);
            left = right;
            right = next;
        }
        i = left << p->half | right;
    } while (i >= p->count);
    return i;
}

static void
begin_epoch(struct fl_order *o, uint64_t epoch)
{
    o->epoch = epoch;
    o->offset = draw(o->seed, 2 * epoch + 1, 0) % o->tokens;
    fl_permutation_init(&o->permutation, o->windows, o->seed, 2 * epoch);
}

void
fl_order_init(struct fl_order *o, uint64_t tokens, uint64_t length, uint64_t seed)
{
    assert(length >= 1 && tokens > length);
    *o = (struct fl_order){
        .tokens = tokens, .length = length, .windows = tokens / length, .seed = seed};
    begin_epoch(o, 0);
}

uint64_t
fl_order_place(struct fl_order *o, uint64_t i)
{
    if (i / o->windows != o->epoch)
        begin_epoch(o, i / o->windows);
    uint64_t window = fl_permutation_at(&o->permutation, i % o->windows);
    return (o->offset + window * o->length) % o->tokens;
}

uint64_t
fl_order_sample(const struct fl_order *o, uint64_t i)
{
    struct fl_permutation p;

    fl_permutation_init(&p, o->windows, o->seed, UINT64_MAX);
    return fl_permutation_at(&p, i) * o->length;
}
