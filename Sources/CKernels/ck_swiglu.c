#include "ck_swiglu.h"

#include "ck_math.h"

CK_INLINE void ck_swiglu_body(size_t count, const float *gate, const float *up, float *y) {
  for (size_t i = 0; i < count; i++) y[i] = gate[i] * ck_sigmoid(gate[i]) * up[i];
}

CK_INLINE void ck_swiglu_backward_body(size_t count, const float *gate, const float *up, const float *dy,
                                       float *dgate, float *dup, int accumulate) {
  if (accumulate) {
    for (size_t i = 0; i < count; i++) {
      float s = ck_sigmoid(gate[i]);
      dgate[i] += dy[i] * up[i] * (s + gate[i] * s * (1.0f - s));
      dup[i] += dy[i] * gate[i] * s;
    }
  } else {
    for (size_t i = 0; i < count; i++) {
      float s = ck_sigmoid(gate[i]);
      dgate[i] = dy[i] * up[i] * (s + gate[i] * s * (1.0f - s));
      dup[i] = dy[i] * gate[i] * s;
    }
  }
}

CK_KERNEL(ck_swiglu, (size_t count, const float *restrict gate, const float *restrict up, float *restrict y),
          (count, gate, up, y))
CK_KERNEL(ck_swiglu_backward,
          (size_t count, const float *restrict gate, const float *restrict up, const float *restrict dy,
           float *restrict dgate, float *restrict dup, int accumulate),
          (count, gate, up, dy, dgate, dup, accumulate))
