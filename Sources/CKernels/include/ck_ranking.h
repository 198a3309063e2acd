// What choosing a token reads of a row of logits.
#pragma once
#include <stddef.h>
#include <stdint.h>

/// How many of `count` values lie above `low` and not above `high`; NaNs do not.
size_t ck_count_between(size_t count, const float *x, float low, float high);

/// Their indices, ascending; `indices` has room for one more than there are.
void ck_find_between(size_t count, const float *x, float low, float high, uint32_t *indices);

/// The sum of exp((x - top) * scale) over the values above `low`.
double ck_exponential_mass(size_t count, const float *x, float top, float scale, float low);
