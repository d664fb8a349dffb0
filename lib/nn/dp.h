/*
 * Steps that hide each document (DP-SGD): a step draws documents by chance, cuts the gradient of
 * each to length C, adds them up, and adds noise to the sum, of which alone the weights are made.
 *
 * What the draws and the noise come from is a secret key of the run, so that a training that goes
 * on from a checkpoint makes the same bytes: a second noise over one sum would cancel the first.
 * The noise is a discrete Gaussian on a grid of C / 2^24, in whole numbers. Not in the proof are
 * the roundings of f32 within a gradient, for which C is undercut by 2^-10.
 * Sources: Abadi et al. 2016; Canonne, Kamath, Steinke 2020 (discrete Gaussian).
 */
#ifndef FL_NN_DP_H
#define FL_NN_DP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/must.h"
#include "crypt/hash.h"
#include "nn/documents.h"
#include "nn/engine.h"
#include "os/pool.h"
#include "priv/event.h"

/* What hides a document, and how well. */
struct fl_dp_settings {
    double clip;  /* C: the longest gradient of a document, above 0 */
    double noise; /* standard deviation of the noise, over C */
    double rate;  /* with which a document comes into a step, 2^-64 to 1 */
};

/*
 * The noise's scale on the grid for SIZE trained numbers, ceil(noise (2^24 + sqrt(SIZE))). -1
 * (FL_USAGE) where that is not 2 to 2^31 - 1.
 */
FL_MUST int fl_dp_sigma(const struct fl_dp_settings *s, size_t size, uint32_t *sigma);

/* STEPS of it as an event for accountants (priv/event.h), for SIZE trained numbers. 0 or -1. */
FL_MUST int fl_dp_event(const struct fl_dp_settings *s, size_t size, uint64_t steps,
                        struct fl_event *event);

struct fl_dp_drawn {
    size_t document, size; /* SIZE: ids of its window */
    uint64_t draw;         /* which window [fl_documents_window] */
};

struct fl_dp {
    struct fl_dp_settings settings;
    const struct fl_documents *documents; /* borrowed, and so are model and pool */
    const struct fl_model *model;
    struct fl_pool *pool;
    size_t B, T;                        /* windows at a time, of at most so many ids */
    unsigned char key[FL_HASH_BYTES];   /* of the run; secret */
    unsigned char about[FL_HASH_BYTES]; /* digest of all that the run's bytes depend on */
    uint32_t sigma;
    /* below: own */
    struct fl_dp_drawn *drawn; /* (documents.count,) of the last step */
    uint32_t *x, *y;           /* (B,T) */
    float *loss, *scales;      /* (B,T), (B,) */
    double *norm2;             /* (B,) */
    uint64_t *counted;         /* (B,) */
    unsigned char *buffers;    /* of noise, one a thread */
};

/* What a step did, for the site's own eyes. */
struct fl_dp_step {
    uint64_t drawn, left_out; /* documents; those without a finite gradient, or a target */
    uint64_t clipped;
    double loss, norm; /* means over those that were not left out; 0 where there are none */
};

/*
 * Take memory. All above "own" is set but SIGMA. -1 with an error; release it in any case, which
 * wipes the key.
 */
FL_MUST int fl_dp_start(struct fl_dp *dp);
void fl_dp_release(struct fl_dp *dp);

/* Bytes that fl_dp_start takes, with so many threads. */
uint64_t fl_dp_bytes(const struct fl_dp *dp, int threads);

/* Draw the documents of STEP into dp->drawn, longest first; returns how many, which is secret. */
size_t fl_dp_draw(const struct fl_dp *dp, uint64_t step);

/*
 * The gradient of step number STEP into GRADS, an array over the trained parameters, zeros before:
 * (sum of clipped gradients + noise) / (rate documents). A document counts by the mean loss of its
 * targets. E is of mode FL_ENGINE_NORMS, for B windows of T. Nothing of the data makes it fail: a
 * document whose gradient is not finite is taken out. -1 when a file was changed, or an id is none.
 */
FL_MUST int fl_dp_gradient(const struct fl_dp *dp, struct fl_engine *e, uint64_t step, float *grads,
                           struct fl_dp_step *did);

#endif
