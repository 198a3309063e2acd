// What the variants of the outer product share.
#pragma once
#include <string.h>

#include "ck_dispatch.h"
#include "ck_outer.h"

CK_INLINE size_t ck_least(size_t a, size_t b) { return a < b ? a : b; }

CK_INLINE void ck_clear_sums(size_t left, size_t right, float *c, size_t c_stride) {
  for (size_t m = 0; m < left; m++) memset(c + m * c_stride, 0, right * sizeof(float));
}

#if defined(__x86_64__)
/// `ck_outer_narrow` in matrix registers.
void ck_outer_amx(size_t rows, size_t left, size_t right, const uint16_t *p, size_t p_stride, const uint16_t *q,
                  size_t q_stride, float *c, size_t c_stride, int accumulate);
#endif
