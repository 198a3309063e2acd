// What the variants of the bf16 product share.
#pragma once
#include "ck_bf16.h"
#include "ck_dispatch.h"

#if defined(__x86_64__)
/// `ck_bf16_product` in matrix registers.
void ck_bf16_product_amx(size_t rows, size_t width, size_t columns, size_t terms, const ck_bf16_term *term,
                         const float *initial, size_t initial_stride, float *y, size_t y_stride);
#endif
