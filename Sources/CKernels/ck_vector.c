#include "ck_vector.h"

#include <math.h>

#include "ck_dispatch.h"

CK_INLINE void ck_add_body(size_t count, const float *x, float *y) {
  for (size_t i = 0; i < count; i++) y[i] += x[i];
}

CK_INLINE void ck_scale_body(size_t count, float k, float *y) {
  for (size_t i = 0; i < count; i++) y[i] *= k;
}

CK_INLINE void ck_add_rows_body(size_t rows, size_t width, const float *bias, float *y) {
  for (size_t t = 0; t < rows; t++)
    for (size_t i = 0; i < width; i++) y[t * width + i] += bias[i];
}

CK_INLINE uint64_t ck_mix(uint64_t z) {
  z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9ull;
  z = (z ^ (z >> 27)) * 0x94D049BB133111EBull;
  return z ^ (z >> 31);
}

CK_INLINE void ck_dropout_body(size_t count, uint64_t seed, uint64_t first, float p, const float *x, float *y) {
  float keep = 1.0f / (1.0f - p);
  uint64_t bound = (uint64_t)((double)p * 16777216.0);
  for (size_t i = 0; i < count; i++) {
    uint64_t draw = ck_mix(seed + (first + i + 1) * 0x9E3779B97F4A7C15ull) >> 40;
    y[i] = draw < bound ? 0.0f : x[i] * keep;
  }
}

CK_INLINE void ck_adamw_body(size_t count, float *value, const float *gradient, float *m, float *v, float rate,
                             float beta1, float beta2, float epsilon, float decay, float correction1,
                             float correction2) {
  float step = rate / correction1, root = 1.0f / sqrtf(correction2), shrink = 1.0f - rate * decay;
  for (size_t i = 0; i < count; i++) {
    float g = gradient[i];
    m[i] = beta1 * m[i] + (1.0f - beta1) * g;
    v[i] = beta2 * v[i] + (1.0f - beta2) * g * g;
    value[i] = value[i] * shrink - step * m[i] / (sqrtf(v[i]) * root + epsilon);
  }
}

double ck_sum_of_squares(size_t count, const float *x) {
  // Eight running sums in a fixed order: the same result whatever the variant.
  double sums[8] = {0};
  size_t i = 0;
  for (; i + 8 <= count; i += 8)
    for (size_t k = 0; k < 8; k++) sums[k] += (double)x[i + k] * (double)x[i + k];
  for (; i < count; i++) sums[0] += (double)x[i] * (double)x[i];
  return ((sums[0] + sums[1]) + (sums[2] + sums[3])) + ((sums[4] + sums[5]) + (sums[6] + sums[7]));
}

CK_KERNEL(ck_add, (size_t count, const float *restrict x, float *restrict y), (count, x, y))
CK_KERNEL(ck_scale, (size_t count, float k, float *y), (count, k, y))
CK_KERNEL(ck_add_rows, (size_t rows, size_t width, const float *restrict bias, float *restrict y),
          (rows, width, bias, y))
CK_KERNEL(ck_dropout, (size_t count, uint64_t seed, uint64_t first, float p, const float *x, float *y),
          (count, seed, first, p, x, y))
CK_KERNEL(ck_adamw,
          (size_t count, float *restrict value, const float *restrict gradient, float *restrict m,
           float *restrict v, float rate, float beta1, float beta2, float epsilon, float decay,
           float correction1, float correction2),
          (count, value, gradient, m, v, rate, beta1, beta2, epsilon, decay, correction1, correction2))
