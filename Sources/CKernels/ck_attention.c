#include "ck_attention.h"

#include <math.h>

#include "ck_math.h"

/// The columns that the query at `position` sees: [*begin, *end).
CK_INLINE void ck_visible(size_t position, size_t first_key, size_t columns, size_t window, size_t *begin,
                          size_t *end) {
  size_t last = position < first_key ? 0 : position - first_key + 1;
  *end = last < columns ? last : columns;
  size_t oldest = position + 1 > window ? position + 1 - window : 0;
  size_t from = oldest > first_key ? oldest - first_key : 0;
  *begin = from < *end ? from : *end;
}

/// Exponentials of one row's scores from `begin` to `end`, in place, less their largest; tells the logarithm of the scores'
/// summed exponentials and returns the inverse of the sum.
CK_INLINE float ck_exponentials(float *s, size_t begin, size_t end, float scale, float *log_sum) {
  CK_FAST_MATH
  float top = ck_top(s + begin, end - begin), sum = 0;
  for (size_t j = begin; j < end; j++) {
    s[j] = ck_exp((s[j] - top) * scale);
    sum += s[j];
  }
  *log_sum = top * scale + logf(sum);
  return sum > 0 ? 1.0f / sum : 0.0f;
}

CK_INLINE void ck_masked_softmax_body(size_t rows, size_t columns, float *scores, float scale,
                                      size_t first_position, size_t first_key, size_t window, float *log_sum,
                                      size_t log_stride) {
  for (size_t i = 0; i < rows; i++) {
    float *s = scores + i * columns;
    size_t begin, end;
    ck_visible(first_position + i, first_key, columns, window, &begin, &end);
    float inverse = ck_exponentials(s, begin, end, scale, log_sum + i * log_stride);
    for (size_t j = 0; j < begin; j++) s[j] = 0;
    for (size_t j = begin; j < end; j++) s[j] *= inverse;
    for (size_t j = end; j < columns; j++) s[j] = 0;
  }
}

CK_INLINE void ck_masked_softmax_narrow_body(size_t rows, size_t columns, float *scores, float scale,
                                             size_t first_position, size_t first_key, size_t window, float *log_sum,
                                             size_t log_stride, uint16_t *p, size_t p_stride) {
  for (size_t i = 0; i < rows; i++) {
    float *s = scores + i * columns;
    uint16_t *to = p + i * p_stride;
    size_t begin, end;
    ck_visible(first_position + i, first_key, columns, window, &begin, &end);
    float inverse = ck_exponentials(s, begin, end, scale, log_sum + i * log_stride);
    for (size_t j = 0; j < begin; j++) to[j] = 0;
    for (size_t j = begin; j < end; j++) to[j] = ck_narrowed(s[j] * inverse);
    for (size_t j = end; j < p_stride; j++) to[j] = 0;
  }
}

CK_INLINE void ck_masked_softmax_again_body(size_t rows, size_t columns, float *scores, float scale,
                                            size_t first_position, size_t first_key, size_t window,
                                            const float *log_sum, size_t log_stride) {
  CK_FAST_MATH
  for (size_t i = 0; i < rows; i++) {
    float *s = scores + i * columns;
    size_t begin, end;
    ck_visible(first_position + i, first_key, columns, window, &begin, &end);
    float log_i = log_sum[i * log_stride];
    for (size_t j = 0; j < begin; j++) s[j] = 0;
    for (size_t j = begin; j < end; j++) s[j] = ck_exp(s[j] * scale - log_i);
    for (size_t j = end; j < columns; j++) s[j] = 0;
  }
}

CK_INLINE void ck_softmax_backward_body(size_t rows, size_t columns, const float *p, float *dp,
                                        const float *correction, float scale) {
  for (size_t i = 0; i < rows; i++) {
    const float *pi = p + i * columns;
    float *di = dp + i * columns, c = correction[i];
    for (size_t j = 0; j < columns; j++) di[j] = pi[j] * (di[j] - c) * scale;
  }
}

CK_INLINE void ck_row_dots_body(size_t rows, size_t width, size_t stride, const float *x, const float *y,
                                float *out) {
  CK_FAST_MATH
  for (size_t i = 0; i < rows; i++) {
    float sum = 0;
    for (size_t j = 0; j < width; j++) sum += x[i * stride + j] * y[i * stride + j];
    out[i] = sum;
  }
}

CK_INLINE void ck_attend_one_body(size_t count, size_t head_size, size_t stride, const float *query,
                                  const float *keys, const float *values, float scale, float *scores,
                                  float *out) {
  CK_FAST_MATH
  float top = -INFINITY;
  for (size_t j = 0; j < count; j++) {
    const float *k = keys + j * stride;
    float dot = 0;
    for (size_t i = 0; i < head_size; i++) dot += query[i] * k[i];
    scores[j] = dot;
    top = dot > top ? dot : top;
  }
  float sum = 0;
  for (size_t j = 0; j < count; j++) {
    scores[j] = ck_exp((scores[j] - top) * scale);
    sum += scores[j];
  }
  float inverse = 1.0f / sum;
  for (size_t i = 0; i < head_size; i++) out[i] = 0;
  for (size_t j = 0; j < count; j++) {
    const float *v = values + j * stride;
    float weight = scores[j] * inverse;
    for (size_t i = 0; i < head_size; i++) out[i] += weight * v[i];
  }
}

CK_KERNEL(ck_masked_softmax,
          (size_t rows, size_t columns, float *scores, float scale, size_t first_position, size_t first_key,
           size_t window, float *log_sum, size_t log_stride),
          (rows, columns, scores, scale, first_position, first_key, window, log_sum, log_stride))
CK_KERNEL(ck_masked_softmax_narrow,
          (size_t rows, size_t columns, float *restrict scores, float scale, size_t first_position, size_t first_key,
           size_t window, float *log_sum, size_t log_stride, uint16_t *restrict p, size_t p_stride),
          (rows, columns, scores, scale, first_position, first_key, window, log_sum, log_stride, p, p_stride))
CK_KERNEL(ck_masked_softmax_again,
          (size_t rows, size_t columns, float *scores, float scale, size_t first_position, size_t first_key,
           size_t window, const float *log_sum, size_t log_stride),
          (rows, columns, scores, scale, first_position, first_key, window, log_sum, log_stride))
CK_KERNEL(ck_softmax_backward,
          (size_t rows, size_t columns, const float *restrict p, float *restrict dp, const float *correction,
           float scale),
          (rows, columns, p, dp, correction, scale))
CK_KERNEL(ck_row_dots,
          (size_t rows, size_t width, size_t stride, const float *x, const float *y, float *out),
          (rows, width, stride, x, y, out))
CK_KERNEL(ck_attend_one,
          (size_t count, size_t head_size, size_t stride, const float *query, const float *keys,
           const float *values, float scale, float *scores, float *restrict out),
          (count, head_size, stride, query, keys, values, scale, scores, out))
