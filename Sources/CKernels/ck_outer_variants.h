// What the variants of the outer product share.
#pragma once
#include "ck_outer.h"

#if defined(__x86_64__)
/// `ck_outer_narrow` in matrix registers.
void ck_outer_amx(size_t rows, size_t left, size_t right, const float *p, size_t p_stride, const float *q,
                  size_t q_stride, float *c, size_t c_stride, int accumulate);
#endif
