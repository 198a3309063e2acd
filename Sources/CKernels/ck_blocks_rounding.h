// What quantising activations and weights share.
#pragma once
#include <string.h>

#include "ck_blocks.h"
#include "ck_dispatch.h"
#include "ck_half.h"

/// The greatest magnitude of 32 numbers by its bits, among which infinity and then NaN are greatest.
CK_INLINE uint32_t ck_greatest_magnitude(const float *x) {
  uint32_t top = 0;
  for (int i = 0; i < CK_BLOCK_SIDE; i++) {
    uint32_t bits;
    memcpy(&bits, x + i, 4);
    bits &= 0x7fffffffu;
    top = bits > top ? bits : top;
  }
  return top;
}

/// The bits of the sum of a magnitude below 2^22 with 1.5 x 2^23: `ck_zero_bits` and the nearest integer, ties to even. Of a
/// NaN, any.
CK_INLINE uint32_t ck_nearest_bits(float x) {
  float shifted = x + 0x1.8p23f;
  uint32_t bits;
  memcpy(&bits, &shifted, 4);
  return bits;
}

static const uint32_t ck_zero_bits = 0x4b400000u;

/// 32 weights of one output as a GGUF block of Q8_0.
CK_INLINE void ck_quantise_weights(const float *from, uint8_t block[34]) {
  uint32_t top = ck_greatest_magnitude(from);
  float most;
  memcpy(&most, &top, 4);
  uint16_t half = ck_half_nearest(most / 127.0f);
  float d = ck_half_at((const uint8_t *)&half);
  if (127.25f * d < most) {
    half++;
    d = ck_half_at((const uint8_t *)&half);
  }
  float inverse = d > 0.0f && d <= 65504.0f ? 1.0f / d : 0.0f;
  int8_t quants[CK_BLOCK_SIDE];
  for (int i = 0; i < CK_BLOCK_SIDE; i++) {
    float scaled = from[i] * inverse;
    quants[i] = (int8_t)ck_nearest_bits(scaled);
  }
  memcpy(block, &half, 2);
  memcpy(block + 2, quants, sizeof quants);
}
