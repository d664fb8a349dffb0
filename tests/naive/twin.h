/*
 * The engine's own sources in doubles, so that finite differences see the code that trains: they
 * are compiled once more with this header first, and exported names twin_* for fl_*. Its products and
 * vector kernels are plain loops here (twin_math.c); those of lib/math have tests of their own.
 */
#ifndef NAIVE_TWIN_H
#define NAIVE_TWIN_H

#include <math.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "base/mem.h"
#include "flt/object.h"
#include "flt/writer.h"
#include "os/pool.h"

#if defined(__clang__)
#pragma clang diagnostic ignored "-Wkeyword-macro"
#endif
#define float double
#define sqrtf sqrt
#define logf  log

#define fl_gemm             twin_gemm /* the struct too */
#define fl_gemm_start       twin_gemm_start
#define fl_vec_finite       twin_vec_finite
#define fl_vec_largest      twin_vec_largest
#define fl_vec_max          twin_vec_max
#define fl_vec_dot          twin_vec_dot
#define fl_vec_sum_squares  twin_vec_sum_squares
#define fl_vec_add          twin_vec_add
#define fl_vec_scale        twin_vec_scale
#define fl_vec_exp          twin_vec_exp
#define fl_vec_exp_sum      twin_vec_exp_sum
#define fl_vec_swiglu       twin_vec_swiglu
#define fl_vec_swiglu_back  twin_vec_swiglu_back
#define fl_vec_inverse_rms  twin_vec_inverse_rms
#define fl_vec_rmsnorm      twin_vec_rmsnorm
#define fl_vec_rmsnorm_back twin_vec_rmsnorm_back
#define fl_vec_rotate       twin_vec_rotate
#define fl_vec_softmax_back twin_vec_softmax_back
#define fl_vec_adamw        twin_vec_adamw

#define fl_rmsnorm_forward    twin_rmsnorm_forward
#define fl_rmsnorm_again      twin_rmsnorm_again
#define fl_rmsnorm_backward   twin_rmsnorm_backward
#define fl_rope_table         twin_rope_table
#define fl_rope_forward       twin_rope_forward
#define fl_rope_backward      twin_rope_backward
#define fl_swiglu_forward     twin_swiglu_forward
#define fl_swiglu_backward    twin_swiglu_backward
#define fl_cross_entropy      twin_cross_entropy
#define fl_attention_scratch  twin_attention_scratch
#define fl_attention_forward  twin_attention_forward
#define fl_attention_backward twin_attention_backward
#define fl_engine_attention   twin_engine_attention
#define fl_engine_head_back   twin_engine_head_back
#define fl_engine_head_grads  twin_engine_head_grads
#define fl_engine_backward    twin_engine_backward
#define fl_engine_new         twin_engine_new
#define fl_engine_watch       twin_engine_watch
#define fl_engine_tell        twin_engine_tell
#define fl_engine_free        twin_engine_free
#define fl_engine_bytes       twin_engine_bytes
#define fl_engine_loss        twin_engine_loss
#define fl_engine_grad        twin_engine_grad
#define fl_engine_logits      twin_engine_logits

#endif
