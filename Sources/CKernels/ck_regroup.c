#include "ck_regroup.h"

#include <string.h>

#include "ck_dispatch.h"
#include "ck_half.h"
#include "ck_kquants.h"

/// The float16 nearest to `value`; the greatest where that is too small.
CK_INLINE void put_half(float value, uint8_t *to) {
  uint32_t bits, size;
  memcpy(&bits, &value, 4);
  size = bits & 0x7fffffffu;
  memcpy(&value, &size, 4);
  uint16_t half = ck_half_nearest(value);
  if (half == 0x7c00u) half = 0x7bffu;
  half |= (uint16_t)(bits >> 16 & 0x8000u);
  memcpy(to, &half, 2);
}

/// The scale and the minimum of sub-block `j`, the latter as what is added.
CK_INLINE void put_pair(int j, const uint8_t *from, uint8_t *to) {
  float step, minimum;
  ck_q4_k_pair(j, from + 4, ck_half_at(from), ck_half_at(from + 2), &step, &minimum);
  put_half(step, to);
  put_half(-minimum, to + 2);
}

/// Nibbles of 32 bytes, the low or the high ones, as 16 bytes of GGUF's blocks of 32.
CK_INLINE void put_nibbles(const uint8_t *q, int shift, uint8_t *to) {
  for (int i = 0; i < 16; i++) to[i] = (uint8_t)((q[i] >> shift & 15) | (q[i + 16] >> shift & 15) << 4);
}

CK_INLINE void ck_q4_1_of_q4_k_body(size_t blocks, const uint8_t *restrict from, uint8_t *restrict to) {
  for (size_t b = 0; b < blocks; b++, from += 144) {
    for (int j = 0; j < 8; j++, to += 20) {
      put_pair(j, from, to);
      put_nibbles(from + 16 + 32 * (j / 2), 4 * (j % 2), to + 4);
    }
  }
}

CK_INLINE void ck_q5_1_of_q5_k_body(size_t blocks, const uint8_t *restrict from, uint8_t *restrict to) {
  for (size_t b = 0; b < blocks; b++, from += 176) {
    for (int j = 0; j < 8; j++, to += 24) {
      uint32_t fifth = 0;
      for (int i = 0; i < 32; i++) fifth |= (uint32_t)(from[16 + i] >> j & 1) << i;
      put_pair(j, from, to);
      memcpy(to + 4, &fifth, 4);
      put_nibbles(from + 48 + 32 * (j / 2), 4 * (j % 2), to + 8);
    }
  }
}

CK_INLINE void ck_6_of_q6_k_body(size_t blocks, const uint8_t *restrict from, uint8_t *restrict to) {
  for (size_t b = 0; b < blocks; b++, from += 210) {
    const int8_t *scale = (const int8_t *)(from + 192);
    float d = ck_half_at(from + 208);
    for (int part = 0; part < 8; part++, scale += 2, to += 36) {
      // Of each half's four parts the first two are the low nibbles of two runs of 32 bytes.
      const uint8_t *q = from + 64 * (part / 4) + 32 * (part % 2), *high = from + 128 + 32 * (part / 4);
      int shift = part % 4 / 2 * 4, upper = 2 * (part % 4);
      put_half(d * (float)scale[0], to);
      put_half(d * (float)scale[1], to + 2);
      for (int i = 0; i < 32; i++)
        to[4 + i] = (uint8_t)(((q[i] >> shift & 15) | (high[i] >> upper & 3) << 4) - 32);
    }
  }
}

CK_INLINE void ck_6_of_q3_k_body(size_t blocks, const uint8_t *restrict from, uint8_t *restrict to) {
  for (size_t b = 0; b < blocks; b++, from += 110) {
    float d = ck_half_at(from + 108);
    for (int part = 0; part < 8; part++, to += 36) {
      const uint8_t *q = from + 32 + 32 * (part / 4);
      for (int sub = 0; sub < 2; sub++) put_half(d * (float)ck_q3_k_scale(2 * part + sub, from + 96), to + 2 * sub);
      for (int i = 0; i < 32; i++)
        to[4 + i] = (uint8_t)((q[i] >> 2 * (part % 4) & 3) - (from[i] >> part & 1 ? 0 : 4));
    }
  }
}

#define CK_REGROUP(name) \
  CK_KERNEL(name, (size_t blocks, const uint8_t *restrict from, uint8_t *restrict to), (blocks, from, to))

CK_REGROUP(ck_q4_1_of_q4_k)
CK_REGROUP(ck_q5_1_of_q5_k)
CK_REGROUP(ck_6_of_q6_k)
CK_REGROUP(ck_6_of_q3_k)
