#include "ck_dequantise.h"

#include <string.h>

#include "ck_dispatch.h"
#include "ck_half.h"
#include "ck_kquants.h"

// Layouts, in bytes; d and m are float16, a value is `d * q` (minus an offset of q, or plus or minus m).
//
//   Q8_0  d, 32 x int8
//   Q4_0  d, 16 x two nibbles: value i in the low half of byte i, value i + 16 in the high half; q - 8
//   Q4_1  d, m, nibbles as Q4_0; d * q + m
//   Q5_0  d, 4 bytes with the fifth bits, nibbles as Q4_0; q - 16
//   Q5_1  d, m, fifth bits, nibbles; d * q + m
//
// K-quants hold 256 values in sub-blocks whose scales are themselves small integers times d:
//
//   Q2_K  16 x (scale, minimum) nibbles, 64 x four 2-bit values, d, m
//   Q3_K  32 x third bits (set: add 4), 64 x four 2-bit values, 12 bytes of 16 6-bit scales - 32, d; q - 4
//   Q4_K  d, m, 12 bytes of 8 6-bit (scale, minimum) pairs, 128 x two nibbles
//   Q5_K  d, m, 12 bytes of scales, 32 x fifth bits, 128 x two nibbles
//   Q6_K  128 x two nibbles, 64 x four pairs of upper bits, 16 x int8 scales, d; q - 32
//
// Every product of d, a scale and q is exact in float32 (at most 11 + 8 + 6 bits, of which the ends are powers of two),
// so that all variants, fused or not, round once and give the same bits.

CK_INLINE void ck_dequantise_f16_body(size_t blocks, const uint8_t *restrict from, float *restrict to) {
  for (size_t i = 0; i < blocks; i++) to[i] = ck_half_at(from + 2 * i);
}

CK_INLINE void ck_dequantise_bf16_body(size_t blocks, const uint8_t *restrict from, float *restrict to) {
  for (size_t i = 0; i < blocks; i++) {
    uint16_t upper;
    memcpy(&upper, from + 2 * i, 2);
    uint32_t bits = (uint32_t)upper << 16;
    memcpy(to + i, &bits, 4);
  }
}

CK_INLINE void ck_dequantise_q8_0_body(size_t blocks, const uint8_t *restrict from, float *restrict to) {
  for (size_t b = 0; b < blocks; b++, from += 34, to += 32) {
    float d = ck_half_at(from);
    const int8_t *q = (const int8_t *)(from + 2);
    for (int i = 0; i < 32; i++) to[i] = d * (float)q[i];
  }
}

CK_INLINE void ck_dequantise_q4_0_body(size_t blocks, const uint8_t *restrict from, float *restrict to) {
  for (size_t b = 0; b < blocks; b++, from += 18, to += 32) {
    float d = ck_half_at(from);
    const uint8_t *q = from + 2;
    for (int i = 0; i < 16; i++) to[i] = d * (float)((q[i] & 15) - 8);
    for (int i = 0; i < 16; i++) to[i + 16] = d * (float)((q[i] >> 4) - 8);
  }
}

CK_INLINE void ck_dequantise_q4_1_body(size_t blocks, const uint8_t *restrict from, float *restrict to) {
  for (size_t b = 0; b < blocks; b++, from += 20, to += 32) {
    float d = ck_half_at(from), m = ck_half_at(from + 2);
    const uint8_t *q = from + 4;
    for (int i = 0; i < 16; i++) to[i] = d * (float)(q[i] & 15) + m;
    for (int i = 0; i < 16; i++) to[i + 16] = d * (float)(q[i] >> 4) + m;
  }
}

CK_INLINE void ck_dequantise_q5_0_body(size_t blocks, const uint8_t *restrict from, float *restrict to) {
  for (size_t b = 0; b < blocks; b++, from += 22, to += 32) {
    float d = ck_half_at(from);
    uint32_t fifth;
    memcpy(&fifth, from + 2, 4);
    uint32_t later = fifth >> 16;
    const uint8_t *q = from + 6;
    for (int i = 0; i < 16; i++) to[i] = d * (float)((q[i] & 15) + (fifth & (1u << i) ? 0 : -16));
    for (int i = 0; i < 16; i++) to[i + 16] = d * (float)((q[i] >> 4) + (later & (1u << i) ? 0 : -16));
  }
}

CK_INLINE void ck_dequantise_q5_1_body(size_t blocks, const uint8_t *restrict from, float *restrict to) {
  for (size_t b = 0; b < blocks; b++, from += 24, to += 32) {
    float d = ck_half_at(from), m = ck_half_at(from + 2);
    uint32_t fifth;
    memcpy(&fifth, from + 4, 4);
    uint32_t later = fifth >> 16;
    const uint8_t *q = from + 8;
    for (int i = 0; i < 16; i++) to[i] = d * (float)((q[i] & 15) + (fifth & (1u << i) ? 16 : 0)) + m;
    for (int i = 0; i < 16; i++) to[i + 16] = d * (float)((q[i] >> 4) + (later & (1u << i) ? 16 : 0)) + m;
  }
}

CK_INLINE void ck_dequantise_q2_k_body(size_t blocks, const uint8_t *restrict from, float *restrict to) {
  for (size_t b = 0; b < blocks; b++, from += 84) {
    float d = ck_half_at(from + 80), m = ck_half_at(from + 82);
    const uint8_t *scale = from;
    for (int part = 0; part < 8; part++, to += 32) {
      // Four parts of 32 values share 32 bytes, two bits each.
      const uint8_t *q = from + 16 + 32 * (part / 4);
      int shift = 2 * (part % 4);
      for (int sub = 0; sub < 2; sub++, scale++) {
        float step = d * (float)(*scale & 15), minimum = m * (float)(*scale >> 4);
        for (int i = 16 * sub; i < 16 * sub + 16; i++) to[i] = step * (float)((q[i] >> shift) & 3) - minimum;
      }
    }
  }
}

CK_INLINE void ck_dequantise_q3_k_body(size_t blocks, const uint8_t *restrict from, float *restrict to) {
  for (size_t b = 0; b < blocks; b++, from += 110) {
    const uint8_t *third = from, *packed = from + 96;
    float d = ck_half_at(from + 108);
    float scales[16];
    for (int j = 0; j < 16; j++) scales[j] = d * (float)ck_q3_k_scale(j, packed);
    for (int part = 0; part < 8; part++, to += 32) {
      const uint8_t *q = from + 32 + 32 * (part / 4);
      int shift = 2 * (part % 4);
      uint8_t bit = (uint8_t)(1 << part);
      for (int sub = 0; sub < 2; sub++) {
        float step = scales[2 * part + sub];
        for (int i = 16 * sub; i < 16 * sub + 16; i++)
          to[i] = step * (float)(((q[i] >> shift) & 3) - (third[i] & bit ? 0 : 4));
      }
    }
  }
}

CK_INLINE void ck_dequantise_q4_k_body(size_t blocks, const uint8_t *restrict from, float *restrict to) {
  for (size_t b = 0; b < blocks; b++, from += 144) {
    float d = ck_half_at(from), m = ck_half_at(from + 2), step, minimum;
    const uint8_t *q = from + 16;
    for (int j = 0; j < 8; j += 2, q += 32, to += 64) {
      ck_q4_k_pair(j, from + 4, d, m, &step, &minimum);
      for (int i = 0; i < 32; i++) to[i] = step * (float)(q[i] & 15) - minimum;
      ck_q4_k_pair(j + 1, from + 4, d, m, &step, &minimum);
      for (int i = 0; i < 32; i++) to[i + 32] = step * (float)(q[i] >> 4) - minimum;
    }
  }
}

CK_INLINE void ck_dequantise_q5_k_body(size_t blocks, const uint8_t *restrict from, float *restrict to) {
  for (size_t b = 0; b < blocks; b++, from += 176) {
    float d = ck_half_at(from), m = ck_half_at(from + 2), step, minimum;
    const uint8_t *fifth = from + 16, *q = from + 48;
    for (int j = 0; j < 8; j += 2, q += 32, to += 64) {
      ck_q4_k_pair(j, from + 4, d, m, &step, &minimum);
      for (int i = 0; i < 32; i++) to[i] = step * (float)((q[i] & 15) | ((fifth[i] >> j) & 1) << 4) - minimum;
      ck_q4_k_pair(j + 1, from + 4, d, m, &step, &minimum);
      for (int i = 0; i < 32; i++)
        to[i + 32] = step * (float)((q[i] >> 4) | ((fifth[i] >> (j + 1)) & 1) << 4) - minimum;
    }
  }
}

CK_INLINE void ck_dequantise_q6_k_body(size_t blocks, const uint8_t *restrict from, float *restrict to) {
  for (size_t b = 0; b < blocks; b++, from += 210) {
    const int8_t *scale = (const int8_t *)(from + 192);
    float d = ck_half_at(from + 208);
    for (int half = 0; half < 2; half++) {
      const uint8_t *low = from + 64 * half, *high = from + 128 + 32 * half;
      for (int part = 0; part < 4; part++, to += 32) {
        // Parts 0 and 1 are the low nibbles of two runs of 32 bytes, parts 2 and 3 the high ones.
        const uint8_t *q = low + 32 * (part % 2);
        int shift = 4 * (part / 2), upper = 2 * part;
        for (int sub = 0; sub < 2; sub++, scale++) {
          float step = d * (float)*scale;
          for (int i = 16 * sub; i < 16 * sub + 16; i++)
            to[i] = step * (float)((((q[i] >> shift) & 15) | ((high[i] >> upper) & 3) << 4) - 32);
        }
      }
    }
  }
}

#define CK_DEQUANTISE(format)                                                                               \
  CK_KERNEL(ck_dequantise_##format, (size_t blocks, const uint8_t *restrict from, float *restrict to), \
            (blocks, from, to))

CK_DEQUANTISE(f16)
CK_DEQUANTISE(bf16)
CK_DEQUANTISE(q8_0)
CK_DEQUANTISE(q4_0)
CK_DEQUANTISE(q4_1)
CK_DEQUANTISE(q5_0)
CK_DEQUANTISE(q5_1)
CK_DEQUANTISE(q2_k)
CK_DEQUANTISE(q3_k)
CK_DEQUANTISE(q4_k)
CK_DEQUANTISE(q5_k)
CK_DEQUANTISE(q6_k)
