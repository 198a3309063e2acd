#include <math.h>

#include "ck_blocks_rounding.h"

/// A block's, with the sum of its `ck_nearest_bits`.
CK_INLINE void set_facts(ck_block_facts *facts, float scale, uint32_t bits) {
  int32_t sum = (int32_t)(bits - CK_BLOCK_SIDE * ck_zero_bits);
  *facts = (ck_block_facts){scale, sum, scale * (float)sum};
}

/// A row's block in 8 bits.
CK_INLINE void quantise(const float *from, int8_t *restrict quants, ck_block_facts *facts) {
  // Not fused, so that all variants round alike.
#pragma clang fp contract(off)
  uint32_t top = ck_greatest_magnitude(from);
  float most;
  memcpy(&most, &top, 4);
  int tiny = most < 0x1p-100f, finite = top < 0x7f800000u;
  float inverse = finite && !tiny ? 127.0f / most : 0.0f;
  uint32_t total = 0;
  for (int i = 0; i < CK_BLOCK_SIDE; i++) {
    uint32_t bits = ck_nearest_bits(from[i] * inverse);
    quants[i] = (int8_t)bits;
    total += bits;
  }
  set_facts(facts, tiny ? 0.0f : most / 127.0f, total);
}

/// A row's block in 16 bits, as two of 8.
CK_INLINE void quantise_twice(const float *from, int8_t *restrict high, int8_t *restrict low,
                              ck_block_facts *facts) {
#pragma clang fp contract(off)
  uint32_t top = ck_greatest_magnitude(from);
  float most;
  memcpy(&most, &top, 4);
  int usual = most >= 0x1p-80f && most < 0x1p100f;
  // The next power of two, if it is not one.
  float least = usual ? most / 32512.0f : 1.0f, power, inverse;
  uint32_t bits;
  memcpy(&bits, &least, 4);
  bits = (bits + 0x7fffffu) & 0x7f800000u;
  memcpy(&power, &bits, 4);
  bits = (254u << 23) - bits;
  memcpy(&inverse, &bits, 4);
  if (!usual) inverse = 0.0f;
  uint32_t total = 0;
  for (int i = 0; i < CK_BLOCK_SIDE; i++) {
    bits = ck_nearest_bits(from[i] * inverse);
    high[i] = (int8_t)((bits + 128) >> 8), low[i] = (int8_t)bits;
    total += bits;
  }
  set_facts(facts, usual || most < 1.0f ? power : NAN, total);
}

CK_INLINE void ck_blocks_quantise_body(size_t rows, const float *x, size_t x_stride, const ck_block_rows *to) {
  const size_t blocks = to->stride;
  for (size_t t = 0; t < rows; t++, x += x_stride) {
    int8_t *quants = to->quants + t * to->parts * blocks * CK_BLOCK_SIDE;
    ck_block_facts *facts = to->facts + t * blocks;
    if (to->parts == 1) {
      for (size_t i = 0, b = 0; b < blocks; b++, i += CK_BLOCK_SIDE) quantise(x + i, quants + i, facts + b);
      continue;
    }
    int8_t *low = quants + blocks * CK_BLOCK_SIDE;
    int spoilt = 0;
    for (size_t i = 0, b = 0; b < blocks; b++, i += CK_BLOCK_SIDE) {
      quantise_twice(x + i, quants + i, low + i, facts + b);
      spoilt |= facts[b].scale != facts[b].scale;
    }
    for (size_t b = 0; spoilt && b < blocks; b++) facts[b].scaled_sum = NAN;
  }
}

CK_KERNEL(ck_blocks_quantise, (size_t rows, const float *x, size_t x_stride, const ck_block_rows *to),
          (rows, x, x_stride, to))
