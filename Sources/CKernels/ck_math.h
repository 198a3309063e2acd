// Elementary functions in plain arithmetic, so that the compiler can run them on whole vectors.
#pragma once
#include <string.h>

#include "ck_dispatch.h"

/// e to the power x, within 2 units in the last place; clamped below -87.33, to the least normal number, and above 88.37.
/// The polynomial is Cephes' expf (Moshier, 1992).
CK_INLINE float ck_exp(float x) {
  // (z + 1.5 x 2^23) - 1.5 x 2^23 is z's nearest integer n, and the last bits of the sum are n's.
#pragma clang fp reassociate(off)
  x = x < -87.3365f ? -87.3365f : x;
  x = x > 88.3762f ? 88.3762f : x;
  float shifted = x * 1.44269504088896341f + 0x1.8p23f, n = shifted - 0x1.8p23f;
  float r = (x - n * 0.693359375f) + n * 2.12194440e-4f;
  float p = 1.9875691500e-4f;
  p = p * r + 1.3981999507e-3f;
  p = p * r + 8.3334519073e-3f;
  p = p * r + 4.1665795894e-2f;
  p = p * r + 1.6666665459e-1f;
  p = p * r + 5.0000001201e-1f;
  p = p * r * r + r + 1.0f;
  // Times 2^n.
  uint32_t bits, power;
  memcpy(&bits, &p, 4);
  memcpy(&power, &shifted, 4);
  bits += power << 23;
  memcpy(&p, &bits, 4);
  return p;
}

/// 1 / (1 + e^-x).
CK_INLINE float ck_sigmoid(float x) { return 1.0f / (1.0f + ck_exp(-x)); }

/// The largest of some values, minus infinity of none; NaNs are passed over.
///
/// A compiler that may not assume that there are no NaNs goes through one maximum one by one: here are as many as two registers hold.
CK_INLINE float ck_top(const float *x, size_t count) {
  enum { lanes = 32 };
  float tops[lanes];
  for (int k = 0; k < lanes; k++) tops[k] = -__builtin_inff();
  size_t i = 0;
  for (; i + lanes <= count; i += lanes)
    for (int k = 0; k < lanes; k++) tops[k] = x[i + k] > tops[k] ? x[i + k] : tops[k];
  for (int k = 0; i < count; i++, k++) tops[k] = x[i] > tops[k] ? x[i] : tops[k];
  for (int width = lanes / 2; width > 0; width /= 2)
    for (int k = 0; k < width; k++) tops[k] = tops[k + width] > tops[k] ? tops[k + width] : tops[k];
  return tops[0];
}

/// Rounded to bf16, the upper half of a float: to the nearest, ties to even; NaNs stay NaNs.
CK_INLINE uint16_t ck_narrowed(float x) {
  uint32_t bits;
  memcpy(&bits, &x, 4);
  uint32_t rounded = (bits + 0x7FFFu + ((bits >> 16) & 1)) >> 16;
  return (uint16_t)((bits & 0x7FFFFFFFu) > 0x7F800000u ? (bits >> 16) | 0x40u : rounded);
}

/// A bf16 as the float that it is.
CK_INLINE float ck_widened(uint16_t x) {
  uint32_t bits = (uint32_t)x << 16;
  float value;
  memcpy(&value, &bits, 4);
  return value;
}
