// Products of activations with frozen weights in bf16 (the upper half of a float), accumulated in float.
//
// A weight (out, in) is kept as panels of 32 outputs: panel p holds, for each pair of inputs (k, k + 1), the 32 outputs'
// two values side by side: [in / 2][32][2]. `in` is filled up with zeros to `ck_bf16_filled`, and so are the outputs of
// the last panel. Rows of activations are plain bf16 rows, filled up alike. A thin factor of up to 16 outputs has one
// panel of 16.
#pragma once
#include <stddef.h>
#include <stdint.h>

enum {
  CK_BF16_PANEL = 32,  ///< Outputs in a panel.
  CK_BF16_BLOCK = 32   ///< Inputs are filled up to a multiple of this.
};

/// `count` filled up: to a multiple of 32, or where there are fewer, to an even number.
size_t ck_bf16_filled(size_t count);

/// One product of a sum of products: `depth` inputs of rows at `rows`, `stride` values apart, with one panel.
typedef struct {
  const uint16_t *rows;
  size_t stride;
  const uint16_t *panel;
  size_t panel_stride;  ///< Values from one panel to the next.
  size_t depth;         ///< Even.
} ck_bf16_term;

/// y = initial + sum of terms, for `rows` rows and the first `columns` outputs of consecutive panels of `width`, 16 or 32.
///
/// A row's bits depend on its own values and on the terms only, never on the rows it shares the call with. The terms are
/// added one after the other, each in the order of its inputs; with a width of 16, pairs of inputs go into two sums in turn, and
/// matrix registers take 32 inputs at a time.
/// @param terms  One or two.
/// @param initial  Row stride `initial_stride`; may be `y` itself; NULL for zero.
void ck_bf16_product(size_t rows, size_t width, size_t columns, size_t terms, const ck_bf16_term *term,
                     const float *initial, size_t initial_stride, float *y, size_t y_stride);

/// to = scale * term, rounded to bf16, for the first `columns` outputs: the left factor of an adapter's second product. Rows of
/// `to` are `to_stride` apart, with zeros from `columns` on. The bits are those of `ck_bf16_product`, `ck_scale` and `ck_bf16_rows`.
void ck_bf16_product_narrow(size_t rows, size_t width, size_t columns, const ck_bf16_term *term, float scale,
                            uint16_t *to, size_t to_stride);

/// Rows of floats to rows of bf16, rounded to the nearest, ties to even: and zeros from `width` to
/// `to_stride`.
void ck_bf16_rows(size_t rows, size_t width, const float *from, size_t from_stride, uint16_t *to, size_t to_stride);

/// One panel of `width` outputs out of rows of floats: rows o < outputs <= width of `weight`, row stride `stride`.
void ck_bf16_pack(size_t width, size_t outputs, size_t inputs, const float *weight, size_t stride, uint16_t *panel);

/// One panel of the transposed: inputs i < inputs <= width of `weight`, (outputs, ...) with row stride `stride`, become
/// the panel's outputs, and the `outputs` rows its inputs.
void ck_bf16_pack_transposed(size_t width, size_t outputs, size_t inputs, const float *weight, size_t stride,
                             uint16_t *panel);

/// The transposes of `count` blocks of 32 x 32 of a packed weight, `stride` values apart, one after the other: they lie the same
/// way, [input / 2][output][2] to [output / 2][input][2].
void ck_bf16_transpose(size_t count, const uint16_t *from, size_t stride, uint16_t *to);

/// One output of a panel of 32 back to floats.
void ck_bf16_output(size_t output, size_t width, const uint16_t *panel, float *to);
