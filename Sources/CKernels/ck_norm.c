#include "ck_norm.h"

#include <math.h>

#include "ck_dispatch.h"

CK_INLINE void ck_rms_norm_body(size_t rows, size_t width, const float *x, const float *weight, float epsilon,
                                float *y, float *inverse_rms) {
  CK_FAST_MATH
  for (size_t t = 0; t < rows; t++) {
    const float *xt = x + t * width;
    float *yt = y + t * width;
    float sum = 0;
    for (size_t i = 0; i < width; i++) sum += xt[i] * xt[i];
    float inverse = 1.0f / sqrtf(sum / (float)width + epsilon);
    for (size_t i = 0; i < width; i++) yt[i] = xt[i] * inverse * weight[i];
    if (inverse_rms) inverse_rms[t] = inverse;
  }
}

CK_INLINE void ck_rms_norm_backward_body(size_t rows, size_t width, const float *x, const float *weight,
                                         const float *inverse_rms, const float *dy, float *dx, int accumulate) {
  CK_FAST_MATH
  for (size_t t = 0; t < rows; t++) {
    const float *xt = x + t * width, *gt = dy + t * width;
    float *dt = dx + t * width;
    float inverse = inverse_rms[t], dot = 0;
    for (size_t i = 0; i < width; i++) dot += gt[i] * weight[i] * xt[i];
    float k = dot * inverse * inverse * inverse / (float)width;
    if (accumulate)
      for (size_t i = 0; i < width; i++) dt[i] += gt[i] * weight[i] * inverse - xt[i] * k;
    else
      for (size_t i = 0; i < width; i++) dt[i] = gt[i] * weight[i] * inverse - xt[i] * k;
  }
}

CK_KERNEL(ck_rms_norm,
          (size_t rows, size_t width, const float *x, const float *weight, float epsilon, float *y,
           float *inverse_rms),
          (rows, width, x, weight, epsilon, y, inverse_rms))
CK_KERNEL(ck_rms_norm_backward,
          (size_t rows, size_t width, const float *x, const float *weight, const float *inverse_rms,
           const float *dy, float *dx, int accumulate),
          (rows, width, x, weight, inverse_rms, dy, dx, accumulate))
