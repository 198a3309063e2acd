#include <math.h>

#include "ck_blocks_rounding.h"

/// The sum of 16 bytes.
CK_INLINE int32_t sum_of_bytes(const int8_t *quants) {
  uint32_t sum = 0;  // of bytes without a sign, which one instruction adds up
  for (int i = 0; i < CK_BLOCK_SIDE / 2; i++) sum += (uint8_t)quants[i] ^ 0x80u;
  return (int32_t)sum - 128 * CK_BLOCK_SIDE / 2;
}

/// A block's, with the sums of its `parts` bytes a value.
CK_INLINE void set_facts(ck_block_facts *facts, float scale, int parts, const int8_t *const quants[2]) {
  int32_t sums[2] = {0};
  for (int half = 0; half < 2; half++)
    for (int part = 0; part < parts; part++)
      sums[half] = 256 * sums[half] + sum_of_bytes(quants[part] + CK_BLOCK_SIDE / 2 * half);
  int32_t sum = sums[0] + sums[1];
  *facts = (ck_block_facts){scale, sum, sums[0], scale * (float)sum};
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
  int8_t made[CK_BLOCK_SIDE];
  for (int i = 0; i < CK_BLOCK_SIDE; i++) made[i] = (int8_t)ck_nearest_bits(from[i] * inverse);
  memcpy(quants, made, sizeof made);
  set_facts(facts, tiny ? 0.0f : most / 127.0f, 1, (const int8_t *[2]){made});
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
  int8_t made[2][CK_BLOCK_SIDE];
  for (int i = 0; i < CK_BLOCK_SIDE; i++) {
    bits = ck_nearest_bits(from[i] * inverse);
    made[0][i] = (int8_t)((bits + 128) >> 8), made[1][i] = (int8_t)bits;
  }
  memcpy(high, made[0], sizeof made[0]);
  memcpy(low, made[1], sizeof made[1]);
  set_facts(facts, usual || most < 1.0f ? power : NAN, 2, (const int8_t *[2]){made[0], made[1]});
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
