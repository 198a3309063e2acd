// Packed factors that grow, row by row: what a sequence's keys and values are, in panels as `ck_bf16.h` and `ck_f16.h`
// read them. No row after the last is read: it may hold anything finite, and memory that was never written holds zeros.
#pragma once
#include <stddef.h>
#include <stdint.h>

/// How a value is rounded, to the nearest, ties to even.
typedef enum { CK_GROW_BF16 = 0, CK_GROW_F16 = 1 } ck_grow_format;

/// Rows of floats become outputs `first`, `first + 1`, ... of panels of 32 outputs: keys.
void ck_grow_insert_outputs(ck_grow_format format, size_t rows, size_t inputs, const float *from, size_t from_stride,
                            size_t first, uint16_t *panels, size_t panel_stride);

/// Rows of floats become inputs `first`, `first + 1`, ... of panels of `width` outputs: values.
void ck_grow_insert_inputs(ck_grow_format format, size_t rows, size_t width, size_t outputs, const float *from,
                           size_t from_stride, size_t first, uint16_t *panels, size_t panel_stride);

/// Copies `count` outputs of panels of 32, from `from_first` on, to those from `to_first` on; both have `panel_stride`.
void ck_grow_copy_outputs(size_t count, size_t inputs, const uint16_t *from, size_t from_first, uint16_t *to,
                          size_t to_first, size_t panel_stride);

/// Copies `count` inputs of one panel of `width`, from `from_first` on, to those from `to_first` on.
void ck_grow_copy_inputs(size_t count, size_t width, const uint16_t *from, size_t from_first, uint16_t *to,
                         size_t to_first);
