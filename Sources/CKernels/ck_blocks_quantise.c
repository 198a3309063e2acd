#include "ck_blocks_rounding.h"

CK_INLINE void ck_blocks_quantise_body(size_t rows, size_t blocks, const float *x, size_t x_stride,
                                       int8_t *restrict quants, float *restrict scales, int32_t *restrict sums) {
  // Not fused, so that all variants round alike.
#pragma clang fp contract(off)
  for (size_t t = 0; t < rows; t++, x += x_stride) {
    for (size_t b = 0; b < blocks; b++, quants += CK_BLOCK_SIDE) {
      const float *from = x + CK_BLOCK_SIDE * b;
      uint32_t top = ck_greatest_magnitude(from);
      float most;
      memcpy(&most, &top, 4);
      int tiny = most < 0x1p-100f, finite = top < 0x7f800000u;
      float inverse = finite && !tiny ? 127.0f / most : 0.0f;
      int32_t sum = 0;
      for (int i = 0; i < CK_BLOCK_SIDE; i++) {
        float scaled = from[i] * inverse;
        quants[i] = ck_nearest(scaled);
        sum += quants[i];
      }
      *scales++ = tiny ? 0.0f : most / 127.0f;
      *sums++ = sum;
    }
  }
}

CK_KERNEL(ck_blocks_quantise,
          (size_t rows, size_t blocks, const float *x, size_t x_stride, int8_t *restrict quants,
           float *restrict scales, int32_t *restrict sums),
          (rows, blocks, x, x_stride, quants, scales, sums))

CK_INLINE void ck_blocks_quantise_twice_body(size_t rows, size_t blocks, const float *x, size_t x_stride,
                                             int8_t *restrict quants, float *restrict scales,
                                             int32_t *restrict sums) {
#pragma clang fp contract(off)
  for (size_t t = 0; t < rows; t++, x += x_stride) {
    for (size_t b = 0; b < blocks; b++) {
      const float *from = x + CK_BLOCK_SIDE * b;
      int8_t *high = quants + (2 * t * blocks + b) * CK_BLOCK_SIDE, *low = high + blocks * CK_BLOCK_SIDE;
      uint32_t top = ck_greatest_magnitude(from);
      float most;
      memcpy(&most, &top, 4);
      int tiny = most < 0x1p-100f, finite = top < 0x7f800000u;
      float inverse = finite && !tiny ? 32512.0f / most : 0.0f;
      int32_t sum = 0;
      for (int i = 0; i < CK_BLOCK_SIDE; i++) {
        float scaled = from[i] * inverse;
        // Adding 1.5 * 2^23 rounds to the nearest, ties to even, and leaves the integer, plus 2^22, in the lower bits.
        float shifted = scaled + 0x1.8p23f;
        uint32_t bits;
        memcpy(&bits, &shifted, 4);
        int32_t q = (int32_t)(bits & 0x7fffff) - 0x400000;
        int32_t h = (q + 128) >> 8;
        high[i] = (int8_t)h, low[i] = (int8_t)(q - 256 * h);
        sum += q;
      }
      *scales++ = tiny ? 0.0f : most / 32512.0f;
      *sums++ = sum;
    }
  }
}

CK_KERNEL(ck_blocks_quantise_twice,
          (size_t rows, size_t blocks, const float *x, size_t x_stride, int8_t *restrict quants,
           float *restrict scales, int32_t *restrict sums),
          (rows, blocks, x, x_stride, quants, scales, sums))
