// The parts of attention that are not matrix products: masked softmax over a block of scores and its backward,
// and the whole of it for one query (decode).
#pragma once
#include <stddef.h>
#include <stdint.h>

/// Turns scores into probabilities, in place, row by row, over the keys that the row may see.
///
/// Row i is the query at position `first_position + i`; column j is the key at position `first_key + j`. A key is
/// seen where key <= query and query - key < window. Others become 0. `scale` multiplies the scores first.
/// log_sum[i * log_stride] receives log(sum(exp(scale * score))).
void ck_masked_softmax(size_t rows, size_t columns, float *scores, float scale, size_t first_position,
                       size_t first_key, size_t window, float *log_sum, size_t log_stride);

/// `ck_masked_softmax` with probabilities in bf16, rows `p_stride` apart and filled up with zeros; scores are used up.
void ck_masked_softmax_narrow(size_t rows, size_t columns, float *scores, float scale, size_t first_position,
                              size_t first_key, size_t window, float *log_sum, size_t log_stride, uint16_t *p,
                              size_t p_stride);

/// Probabilities again from scores and the kept log_sum, same masking; the backward's half of `ck_masked_softmax`.
void ck_masked_softmax_again(size_t rows, size_t columns, float *scores, float scale, size_t first_position,
                             size_t first_key, size_t window, const float *log_sum, size_t log_stride);

/// ds = p * (dp - correction[i]) * scale, written over dp; correction[i] = dot(dy[i], y[i]) for this head.
void ck_softmax_backward(size_t rows, size_t columns, const float *p, float *dp, const float *correction,
                         float scale);

/// out[i * out_stride] = dot(x[i], y[i]) over `width`, both with row stride `stride`.
void ck_row_dots(size_t rows, size_t width, size_t stride, const float *x, const float *y, float *out);

/// One query of one head against `count` keys: out = softmax(scale * q k^T) v. keys, values: row stride `stride`;
/// `scores` is scratch for `count` floats.
void ck_attend_one(size_t count, size_t head_size, size_t stride, const float *query, const float *keys,
                   const float *values, float scale, float *scores, float *out);
