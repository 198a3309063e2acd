#include "ck_rotary.h"

#include "ck_dispatch.h"

CK_INLINE void ck_rotary_body(size_t rows, size_t heads, size_t head_size, float *x, const float *cosine,
                              const float *sine, float direction) {
  size_t half = head_size / 2;
  for (size_t t = 0; t < rows; t++) {
    const float *c = cosine + t * half, *s = sine + t * half;
    for (size_t h = 0; h < heads; h++) {
      float *a = x + (t * heads + h) * head_size, *b = a + half;
      for (size_t i = 0; i < half; i++) {
        float sin_i = s[i] * direction, ai = a[i], bi = b[i];
        a[i] = ai * c[i] - bi * sin_i;
        b[i] = bi * c[i] + ai * sin_i;
      }
    }
  }
}

CK_KERNEL(ck_rotary,
          (size_t rows, size_t heads, size_t head_size, float *x, const float *cosine, const float *sine,
           float direction),
          (rows, heads, head_size, x, cosine, sine, direction))
