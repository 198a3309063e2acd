// Element-wise work on long vectors.
#pragma once
#include <stddef.h>
#include <stdint.h>

/// y += x.
void ck_add(size_t count, const float *x, float *y);

/// y *= k.
void ck_scale(size_t count, float k, float *y);

/// Adds `bias` to each row of y: (rows, width).
void ck_add_rows(size_t rows, size_t width, const float *bias, float *y);

/// The sum of squares, in double, in a fixed order.
double ck_sum_of_squares(size_t count, const float *x);

/// y = x kept with probability 1 - p and divided by it, else 0. Element i depends on `seed` and `first + i` only, so
/// the backward calls it with the same arguments.
void ck_dropout(size_t count, uint64_t seed, uint64_t first, float p, const float *x, float *y);

/// One AdamW step (Loshchilov and Hutter, 2019; torch.optim.AdamW): decay, moments, bias-corrected update.
void ck_adamw(size_t count, float *value, const float *gradient, float *m, float *v, float rate, float beta1,
              float beta2, float epsilon, float decay, float correction1, float correction2);
