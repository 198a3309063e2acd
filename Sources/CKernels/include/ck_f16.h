// Products of floats with factors in float16, accumulated in float: attention that keeps more than bf16 does.
//
// Panels are laid out as those of `ck_bf16.h`, `[in / 2][width][2]`, with float16 in place of bfloat16.
#pragma once
#include <stddef.h>
#include <stdint.h>

/// y = x W^T for `rows` rows and the first `columns` outputs of consecutive panels of `width`, 16 or 32.
///
/// A row's bits depend on its own values and on the panels only, never on the rows it shares the call with: a sum goes
/// through the inputs in their order.
/// @param depth  Inputs; where they are odd, the second of the panels' last pair is not read.
void ck_f16_product(size_t rows, size_t width, size_t columns, const float *x, size_t x_stride, const uint16_t *panels,
                    size_t panel_stride, size_t depth, float *y, size_t y_stride);

/// The float16 nearest to each of `count` floats, ties to even; beyond 65,504, infinity.
void ck_f16_round(size_t count, const float *from, uint16_t *to);
