/*
 * What masking costs beside the key streams that it needs: a chunk with the masks of 49 peers, as
 * in a round of 50 sites, against 49 streams of ChaCha20 alone, and encoding against one of them.
 */
#include <string.h>

#include "bench.h"
#include "crypt/chacha.h"
#include "crypt/secret.h"
#include "fed/encode.h"

enum { PEERS = 49, CHUNKS = 24 };

struct bench {
    struct fl_mask masks[PEERS];
    uint64_t words[FL_CHUNK_WORDS], scratch[FL_CHUNK_WORDS];
    float values[2 * FL_CHUNK_WORDS];
    uint32_t random[2 * FL_CHUNK_WORDS];
};

static double
mask(struct bench *b, const struct fl_lanes *lanes)
{
    double began = fl_seconds();

    for (uint64_t c = 0; c < CHUNKS; c++)
        fl_mask_chunk(lanes, b->words, FL_CHUNK_WORDS, FL_CHUNK_WORDS, c, b->masks, PEERS,
                      b->scratch);
    return fl_seconds() - began;
}

static double
streams(struct bench *b)
{
    double began = fl_seconds();

    for (uint64_t c = 0; c < CHUNKS; c++)
        for (int i = 0; i < PEERS; i++)
            fl_stream_fill(b->scratch, sizeof b->scratch, b->masks[i].key, c);
    return fl_seconds() - began;
}

static double
encode(struct bench *b, const struct fl_lane_encoder *e)
{
    double began = fl_seconds();
    uint64_t clipped = 0;

    for (uint64_t c = 0; c < CHUNKS; c++) {
        fl_lane_encoder_random(e, c, b->random, 2 * FL_CHUNK_WORDS);
        bench_need(
            fl_lane_encoder_words(e, b->values, 2 * FL_CHUNK_WORDS, b->random, b->words, &clipped));
    }
    return fl_seconds() - began;
}

int
main(void)
{
    static struct bench b;
    struct fl_plan plan = {.bits = 32, .clip = 1, .scale = 0x1p29, .stochastic = true};
    double masking[BENCH_TIMES], streaming[BENCH_TIMES], encoding[BENCH_TIMES];
    const double bytes = (double)CHUNKS * sizeof b.words;
    struct fl_lane_encoder e;
    struct fl_lanes lanes;

    bench_need(fl_crypt_init());
    fl_random_bytes(b.masks, sizeof b.masks);
    for (int i = 0; i < PEERS; i++)
        b.masks[i].sign = i % 2 ? 1 : -1;
    for (size_t i = 0; i < 2 * FL_CHUNK_WORDS; i++)
        b.values[i] = (float)(i % 1999) / 1000 - 1;
    fl_lanes_init(&lanes, 32);
    fl_lane_encoder_init(&e, &plan, 0, UINT64_C(1) << 40);
    for (int i = 0; i < BENCH_TIMES; i++) {
        masking[i] = mask(&b, &lanes);
        streaming[i] = streams(&b);
        encoding[i] = encode(&b, &e);
    }
    double m = bench_median(masking, BENCH_TIMES), s = bench_median(streaming, BENCH_TIMES);
    double x = bench_median(encoding, BENCH_TIMES);
    bench_tell("key streams of 49 peers", bytes * PEERS / s / 1e9, "GB/s");
    bench_tell("encoding to lanes of 32 bits", bytes / x / 1e9, "GB/s");
    int kept = bench_at_most("masking with 49 peers / their key streams", m / s, "times", 1.5);
    bench_tell("a round of 50 sites, 100 million coordinates", 100e6 * 4 / bytes * (m + x),
               "core-seconds");
    return !kept;
}
