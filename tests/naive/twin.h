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
#define fl_values_f32       twin_values_f32
#define fl_values_from_f32  twin_values_from_f32
#define fl_pass_half        twin_pass_half
#define fl_half_scratch     twin_half_scratch
#define fl_narrow_size      twin_narrow_size
#define fl_narrow_start     twin_narrow_start
#define fl_narrow_release   twin_narrow_release
#define fl_narrow_fill      twin_narrow_fill
#define fl_products         twin_products /* the struct too */
#define fl_vec_finite       twin_vec_finite
#define fl_vec_largest      twin_vec_largest
#define fl_vec_max          twin_vec_max
#define fl_vec_dot          twin_vec_dot
#define fl_vec_dots_f32     twin_vec_dots_f32
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

#define fl_vec_gelu                twin_vec_gelu
#define fl_vec_gelu_back           twin_vec_gelu_back
#define fl_vec_gelu_tanh           twin_vec_gelu_tanh
#define fl_vec_gelu_tanh_back      twin_vec_gelu_tanh_back
#define fl_vec_stat                twin_vec_stat
#define fl_vec_layernorm           twin_vec_layernorm
#define fl_vec_layernorm_back      twin_vec_layernorm_back
#define fl_norm_stats              twin_norm_stats
#define fl_norm_forward            twin_norm_forward
#define fl_norm_again              twin_norm_again
#define fl_norm_backward           twin_norm_backward
#define fl_rope_frequency          twin_rope_frequency
#define fl_rope_table              twin_rope_table
#define fl_rope_forward            twin_rope_forward
#define fl_rope_backward           twin_rope_backward
#define fl_act_inputs              twin_act_inputs
#define fl_act_forward             twin_act_forward
#define fl_act_backward            twin_act_backward
#define fl_cross_entropy           twin_cross_entropy
#define fl_loss_sum                twin_loss_sum
#define fl_linear_outputs          twin_linear_outputs
#define fl_linear_forward          twin_linear_forward
#define fl_linear_forward_wide     twin_linear_forward_wide
#define fl_linear_back             twin_linear_back /* the struct too */
#define fl_linear_tile             twin_linear_tile
#define fl_linear_grad_tasks       twin_linear_grad_tasks
#define fl_linear_grad_task        twin_linear_grad_task
#define fl_attention_scratch       twin_attention_scratch
#define fl_attention_forward       twin_attention_forward
#define fl_attention_backward      twin_attention_backward
#define fl_sizes_of                twin_sizes_of
#define fl_pass_forward            twin_pass_forward
#define fl_pass_back               twin_pass_back
#define fl_pass_low                twin_pass_low
#define fl_linear_grads            twin_linear_grads
#define fl_norm_of                 twin_norm_of
#define fl_block_scratch           twin_block_scratch
#define fl_block_qkv               twin_block_qkv
#define fl_block_up                twin_block_up
#define fl_block_feed_forward      twin_block_feed_forward
#define fl_block_qkv_back          twin_block_qkv_back
#define fl_block_feed_forward_back twin_block_feed_forward_back
#define fl_norm_sums               twin_norm_sums
#define fl_block_qkv_sums          twin_block_qkv_sums
#define fl_block_feed_forward_sums twin_block_feed_forward_sums
#define fl_part_sum_task           twin_part_sum_task
#define fl_transformer_new         twin_transformer_new
#define fl_transformer_free        twin_transformer_free
#define fl_transformer_embed       twin_transformer_embed
#define fl_call_attention          twin_call_attention
#define fl_call_forward            twin_call_forward
#define fl_call_attend_again       twin_call_attend_again
#define fl_call_head_back          twin_call_head_back
#define fl_call_head_grads         twin_call_head_grads
#define fl_call_backward           twin_call_backward
#define fl_call_tell               twin_call_tell
#define fl_engine_new              twin_engine_new
#define fl_engine_chunk            twin_engine_chunk
#define fl_engine_slab             twin_engine_slab
#define fl_engine_slab_room        twin_engine_slab_room
#define fl_engine_lay_out          twin_engine_lay_out
#define fl_engine_place            twin_engine_place
#define fl_engine_layer_place      twin_engine_layer_place
#define fl_engine_weights_stay     twin_engine_weights_stay
#define fl_engine_watch            twin_engine_watch
#define fl_engine_free             twin_engine_free
#define fl_engine_bytes            twin_engine_bytes
#define fl_engine_loss             twin_engine_loss
#define fl_engine_grad             twin_engine_grad
#define fl_engine_grad_scaled      twin_engine_grad_scaled
#define fl_engine_norms            twin_engine_norms
#define fl_norm_scratch            twin_norm_scratch
#define fl_norm_tasks              twin_norm_tasks
#define fl_norm_task               twin_norm_task
#define fl_norm_add                twin_norm_add
#define fl_engine_logits           twin_engine_logits
#define fl_infer_new               twin_infer_new
#define fl_infer_free              twin_infer_free
#define fl_infer_read              twin_infer_read
#define fl_infer_length            twin_infer_length
#define fl_infer_rewind            twin_infer_rewind

#endif
