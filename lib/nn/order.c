/*
 * Six rounds of a Feistel network over a power of four; a value beyond the end goes through it
 * again until it falls within. This shuffles windows and hides nothing.
 */
#include "nn/order.h"

#include <assert.h>

#include "math/random.h"

/* Sequences of the seed; an epoch has two, one after the other. */
enum { SEQUENCE_SAMPLE = 0x6f726400, SEQUENCE_EPOCH };

/* The finalizer of SplitMix64 (Steele, Lea and Flood 2014): a mixing bijection of 64 bits. */
static uint64_t
mix(uint64_t x)
{
    x = (x ^ x >> 30) * 0xbf58476d1ce4e5b9u;
    x = (x ^ x >> 27) * 0x94d049bb133111ebu;
    return x ^ x >> 31;
}

void
fl_permutation_init(struct fl_permutation *p, uint64_t count, uint64_t seed, uint64_t sequence)
{
    assert(count >= 1 && count <= UINT64_C(1) << 62);
    *p = (struct fl_permutation){.count = count, .half = 1};
    while (count > UINT64_C(1) << 2 * p->half)
        p->half++;
    for (unsigned r = 0; r < sizeof p->keys / sizeof *p->keys; r++)
        p->keys[r] = fl_random_at(seed, sequence, r);
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

void
fl_order_init(struct fl_order *o, uint64_t tokens, uint64_t length, uint64_t seed)
{
    assert(length >= 1 && tokens > length);
    *o = (struct fl_order){tokens, length, tokens / length, seed};
}

uint64_t
fl_order_place(const struct fl_order *o, uint64_t i)
{
    uint64_t sequence = SEQUENCE_EPOCH + 2 * (i / o->windows);
    uint64_t offset = fl_random_at(o->seed, sequence, 0) % o->tokens;
    struct fl_permutation p;

    fl_permutation_init(&p, o->windows, o->seed, sequence + 1);
    return (offset + fl_permutation_at(&p, i % o->windows) * o->length) % o->tokens;
}

uint64_t
fl_order_sample(const struct fl_order *o, uint64_t i)
{
    struct fl_permutation p;

    fl_permutation_init(&p, o->windows, o->seed, SEQUENCE_SAMPLE);
    return fl_permutation_at(&p, i) * o->length;
}
