// Sums of outer products: the gradient of a thin factor, where BLAS has no tile that fits.
#pragma once
#include <stddef.h>
#include <stdint.h>

/// c[m, n] (+)= sum over t < rows of p[t, m] * q[t, n], for m < `left` and n < `right`; adds where `accumulate`.
/// p, q, c: row strides `p_stride`, `q_stride`, `c_stride`. The order of additions is that of the rows.
void ck_outer(size_t rows, size_t left, size_t right, const float *p, size_t p_stride, const float *q,
              size_t q_stride, float *c, size_t c_stride, int accumulate);

/// The same of rows in bf16, summed in floats; instructions that multiply bf16 take 2 or 32 rows at a time.
void ck_outer_narrow(size_t rows, size_t left, size_t right, const uint16_t *p, size_t p_stride, const uint16_t *q,
                     size_t q_stride, float *c, size_t c_stride, int accumulate);
