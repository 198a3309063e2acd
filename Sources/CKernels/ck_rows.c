#include "ck_rows.h"

#include "ck_dispatch.h"

/// The dot products of one weight row with one activation row; the order of additions depends on `width` only, so a
/// row's result is the same whichever rows it shares the call with.
CK_INLINE float ck_dot(size_t width, const float *a, const float *b) {
  CK_FAST_MATH
  float sum = 0;
  for (size_t i = 0; i < width; i++) sum += a[i] * b[i];
  return sum;
}

CK_INLINE void ck_few_rows_body(size_t rows, size_t width, size_t outputs, const float *x, size_t x_stride,
                                const float *weight, float *y, size_t y_stride, int accumulate) {
  for (size_t o = 0; o < outputs; o++) {
    const float *w = weight + o * width;
    for (size_t t = 0; t < rows; t++) {
      float dot = ck_dot(width, x + t * x_stride, w);
      float *out = y + t * y_stride + o;
      *out = accumulate ? *out + dot : dot;
    }
  }
}

CK_KERNEL(ck_few_rows,
          (size_t rows, size_t width, size_t outputs, const float *x, size_t x_stride, const float *weight,
           float *y, size_t y_stride, int accumulate),
          (rows, width, outputs, x, x_stride, weight, y, y_stride, accumulate))
