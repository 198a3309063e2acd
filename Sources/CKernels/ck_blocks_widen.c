// Weights out of panels.
#include "ck_blocks_variants.h"
#include "ck_half.h"

void ck_blocks_widen_row(ck_block_format format, size_t blocks, const uint8_t *panel, size_t output, float *to) {
  for (size_t b = 0; b < blocks; b++, panel += ck_blocks_bytes(format)) {
    const uint8_t *halves = panel + ck_block_quant_bytes(format) + 2 * output;
    float d = ck_half_at(halves), m = format == CK_BLOCKS_4_1 ? ck_half_at(halves + 64) : 0.0f;
    for (size_t k = 0; k < CK_BLOCK_SIDE; k++) {
      float value = d * (float)ck_block_quant_at(format, panel, output, k);
      *to++ = format == CK_BLOCKS_4_1 ? value + m : value;
    }
  }
}

/// The bfloat16 nearest to a number, ties to even; NaN stays one.
CK_INLINE uint32_t nearest_bf16(float value) {
  uint32_t bits;
  memcpy(&bits, &value, 4);
  uint32_t rounded = (bits + 0x7fffu + (bits >> 16 & 1u)) >> 16;
  return (bits & 0x7fffffffu) > 0x7f800000u ? bits >> 16 | 0x40u : rounded;
}

/// One block: first `(input, output)` pairs of outputs as they lie in the quants, then turned round.
CK_INLINE void widen_block(ck_block_format format, const uint8_t *block, uint32_t to[16][32]) {
  const uint8_t *halves = block + ck_block_quant_bytes(format);
  float d[32], m[32];
  uint32_t pairs[32][16];
  for (int o = 0; o < 32; o++) d[o] = ck_half_at(halves + 2 * o);
  if (format == CK_BLOCKS_4_1)
    for (int o = 0; o < 32; o++) m[o] = ck_half_at(halves + 64 + 2 * o);
  for (int k = 0; k < 32; k++) {
    uint16_t row[32];
    for (int o = 0; o < 32; o++) {
      float value = d[o] * (float)ck_block_quant_at(format, block, (size_t)o, (size_t)k);
      row[o] = (uint16_t)nearest_bf16(format == CK_BLOCKS_4_1 ? value + m[o] : value);
    }
    memcpy(pairs[k], row, sizeof row);
  }
  for (int pair = 0; pair < 16; pair++)
    for (int k = 0; k < 32; k++) to[pair][k] = pairs[k][pair];
}

CK_INLINE void ck_blocks_widen_bf16_body(ck_block_format format, size_t count, const uint8_t *from, size_t stride,
                                         uint16_t *to) {
  for (size_t i = 0; i < count; i++, from += stride, to += CK_BLOCK_SIDE * CK_BLOCK_SIDE) {
    uint32_t turned[16][32];
    switch (format) {
      case CK_BLOCKS_8: widen_block(CK_BLOCKS_8, from, turned); break;
      case CK_BLOCKS_4: widen_block(CK_BLOCKS_4, from, turned); break;
      case CK_BLOCKS_4_1: widen_block(CK_BLOCKS_4_1, from, turned); break;
    }
    memcpy(to, turned, sizeof turned);
  }
}

#if defined(__x86_64__)
CK_TARGET_AVX2 static void widen_avx2(ck_block_format format, size_t count, const uint8_t *from, size_t stride,
                                      uint16_t *to) {
  ck_blocks_widen_bf16_body(format, count, from, stride, to);
}
#endif

void ck_blocks_widen_bf16(ck_block_format format, size_t count, const uint8_t *from, size_t stride, uint16_t *to) {
#if defined(__x86_64__)
  ck_variant variant = ck_current_variant();
  if (variant >= CK_AVX2) {
    for (size_t i = 0; i < count; i++, from += stride, to += CK_BLOCK_SIDE * CK_BLOCK_SIDE)
      if (variant < CK_AVX512 || !ck_blocks_widen_avx512(format, from, to)) widen_avx2(format, 1, from, stride, to);
    return;
  }
#endif
  ck_blocks_widen_bf16_body(format, count, from, stride, to);
}
