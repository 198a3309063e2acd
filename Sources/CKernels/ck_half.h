// float16 by shifts, for code that has no instructions for it.
#pragma once
#include <string.h>

#include "ck_dispatch.h"

/// The value of the float16 at `from`: shifts for normal numbers, one subtraction for subnormal ones.
CK_INLINE float ck_half_at(const uint8_t *from) {
  uint16_t half;
  memcpy(&half, from, 2);
  uint32_t rest = half & 0x7fffu;
  uint32_t normal = (rest << 13) + (112u << 23);
  uint32_t special = (rest << 13) + (224u << 23);  // infinity and NaN keep the highest exponent
  uint32_t shifted = (rest << 13) + (113u << 23);
  float small;
  memcpy(&small, &shifted, 4);
  small -= 0x1p-14f;
  uint32_t small_bits;
  memcpy(&small_bits, &small, 4);
  uint32_t bits = rest >= 0x7c00u ? special : rest < 0x400u ? small_bits : normal;
  bits |= (uint32_t)(half & 0x8000u) << 16;
  float value;
  memcpy(&value, &bits, 4);
  return value;
}

/// The float16 nearest to a number that is not negative, ties to even; NaN stays one.
CK_INLINE uint16_t ck_half_nearest(float value) {
  uint32_t bits;
  memcpy(&bits, &value, 4);
  if (bits > 0x7f800000u) return 0x7e00u;
  if (value >= 65520.0f) return 0x7c00u;
  if (value < 0x1p-14f) {
    // The last bit of 0.5 is worth the last bit of a subnormal float16: the addition rounds.
    float sum = value + 0.5f;
    memcpy(&bits, &sum, 4);
    return (uint16_t)(bits - 0x3f000000u);
  }
  bits -= 112u << 23;
  return (uint16_t)((bits + 0xfffu + (bits >> 13 & 1u)) >> 13);
}
