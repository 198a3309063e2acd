// Products of a few rows with a weight: memory-bound, so every weight is read once and used for all rows.
#pragma once
#include <stddef.h>

/// y[t, o] (+)= dot(x[t], weight[o]) for t < few rows and `outputs` rows of weight.
/// x: row stride x_stride; weight: (outputs, width); y: row stride y_stride. Adds where `accumulate`.
void ck_few_rows(size_t rows, size_t width, size_t outputs, const float *x, size_t x_stride,
                 const float *weight, float *y, size_t y_stride, int accumulate);
