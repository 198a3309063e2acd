#include "ck_loss.h"

#include <math.h>

#include "ck_math.h"

CK_INLINE void ck_cross_entropy_body(size_t rows, size_t vocabulary, float *logits, const int32_t *targets,
                                     float gradient_scale, float *losses, uint8_t *right) {
  CK_FAST_MATH
  for (size_t t = 0; t < rows; t++) {
    float *z = logits + t * vocabulary;
    float wanted = z[targets[t]], top = ck_top(z, vocabulary);
    float sum = 0;
    if (gradient_scale != 0) {
      for (size_t i = 0; i < vocabulary; i++) {
        z[i] = ck_exp(z[i] - top);
        sum += z[i];
      }
      float k = gradient_scale / sum;
      for (size_t i = 0; i < vocabulary; i++) z[i] *= k;
      z[targets[t]] -= gradient_scale;
    } else {
      for (size_t i = 0; i < vocabulary; i++) sum += ck_exp(z[i] - top);
    }
    losses[t] = top + logf(sum) - wanted;
    right[t] = wanted >= top;
  }
}

CK_KERNEL(ck_cross_entropy,
          (size_t rows, size_t vocabulary, float *logits, const int32_t *targets, float gradient_scale,
           float *losses, uint8_t *right),
          (rows, vocabulary, logits, targets, gradient_scale, losses, right))
