#include "ck_rows.h"

#include "ck_dispatch.h"

typedef float ck_lanes_unaligned __attribute__((vector_size(64), aligned(4), may_alias));
typedef float ck_lanes __attribute__((vector_size(64)));  // split by the compiler where registers are narrower

// Macros rather than functions: how a vector wider than the target's registers is passed is not settled.
#define CK_LOAD(p) (*(const ck_lanes_unaligned *)(p))

CK_INLINE float ck_lane_sum(const ck_lanes *v) {
  float sum = 0;
  for (int i = 0; i < 16; i++) sum += (*v)[i];
  return sum;
}

/// Four weight rows against one activation row, so that four streams of memory are read at once. The order of
/// additions depends on `width` only, so a row's result is the same whichever rows it shares the call with.
CK_INLINE void ck_dot4(size_t width, const float *x, const float *w, float dots[4]) {
  ck_lanes a = {0}, b = {0}, c = {0}, d = {0};
  size_t i = 0;
  for (; i + 16 <= width; i += 16) {
    ck_lanes v = CK_LOAD(x + i);
    a += v * CK_LOAD(w + i);
    b += v * CK_LOAD(w + width + i);
    c += v * CK_LOAD(w + 2 * width + i);
    d += v * CK_LOAD(w + 3 * width + i);
  }
  dots[0] = ck_lane_sum(&a), dots[1] = ck_lane_sum(&b), dots[2] = ck_lane_sum(&c), dots[3] = ck_lane_sum(&d);
  for (; i < width; i++)
    for (int k = 0; k < 4; k++) dots[k] += x[i] * w[(size_t)k * width + i];
}

CK_INLINE float ck_dot1(size_t width, const float *x, const float *w) {
  ck_lanes a = {0};
  size_t i = 0;
  for (; i + 16 <= width; i += 16) a += CK_LOAD(x + i) * CK_LOAD(w + i);
  float sum = ck_lane_sum(&a);
  for (; i < width; i++) sum += x[i] * w[i];
  return sum;
}

CK_INLINE void ck_few_rows_body(size_t rows, size_t width, size_t outputs, const float *x, size_t x_stride,
                                const float *weight, float *y, size_t y_stride, int accumulate) {
  size_t o = 0;
  for (; o + 4 <= outputs; o += 4) {
    for (size_t t = 0; t < rows; t++) {
      float dots[4], *out = y + t * y_stride + o;
      ck_dot4(width, x + t * x_stride, weight + o * width, dots);
      for (int k = 0; k < 4; k++) out[k] = accumulate ? out[k] + dots[k] : dots[k];
    }
  }
  for (; o < outputs; o++) {
    for (size_t t = 0; t < rows; t++) {
      float dot = ck_dot1(width, x + t * x_stride, weight + o * width), *out = y + t * y_stride + o;
      *out = accumulate ? *out + dot : dot;
    }
  }
}

CK_KERNEL(ck_few_rows,
          (size_t rows, size_t width, size_t outputs, const float *x, size_t x_stride, const float *weight,
           float *y, size_t y_stride, int accumulate),
          (rows, width, outputs, x, x_stride, weight, y, y_stride, accumulate))
