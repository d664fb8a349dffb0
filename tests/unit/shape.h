/* The sizes of a plain Llama as one row; switches may follow: {LLAMA(...), .window = 3}. */
#ifndef TEST_SHAPE_H
#define TEST_SHAPE_H

#include "nn/config.h"

#define LLAMA(V_, T_, L_, C_, H_, K_, D_, F_, eps_, base_, tied_)                                  \
    .vocab = (V_), .ctx = (T_), .layers = (L_), .channels = (C_), .heads = (H_), .kv_heads = (K_), \
    .head_dim = (D_), .ffn = (F_), .norm_eps = (eps_), .rope_base = (base_), .tied = (tied_)

#endif
