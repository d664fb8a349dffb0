/*
 * A helper's discrete noise in the lanes of an answer. The noise of a chunk depends on the key and
 * the chunk's number alone, so on no number of threads.
 */
#ifndef FL_FED_LANE_NOISE_H
#define FL_FED_LANE_NOISE_H

#include "fed/lane_words.h"
#include "priv/noise.h"

enum { FL_LANE_NOISE_PIECE = 2520 }; /* numbers drawn at once: of whole words, any lanes */

/*
 * Subtract noise of SIGMA, drawn in pieces (fl_noise_dgauss_fill), from the first N lanes of WORDS,
 * modulo 2^bits; the lanes after them in the last word, and the bits above the lanes, stay.
 */
void fl_lanes_noise(const struct fl_lanes *lanes, uint64_t *words, size_t n, uint32_t sigma,
                    struct fl_noise *noise);

struct fl_lane_noise {
    const struct fl_plan *plan; /* with noise: fl_plan_noise */
    const unsigned char *key;   /* FL_STREAM_KEY bytes: of this helper, round and set alone */
};

/*
 * Subtract noise from every lane of CHUNK that holds a masked value: not from the weight's word,
 * nor from plain tensors. BUFFER: FL_NOISE_BUFFER bytes of the thread, to be wiped by the caller.
 */
void fl_lane_words_noise(const struct fl_lane_noise *n, const struct fl_lane_chunk *chunk,
                         unsigned char *buffer);

#endif
