// The most likely token of a row of logits.
#pragma once
#include <stddef.h>
#include <stdint.h>

/// Sets `*index` to the index of the largest of `count` values, the first of equals; of NaN alone, to 0.
void ck_largest(size_t count, const float *x, uint32_t *index);
