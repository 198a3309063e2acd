// Weights out of panels.
#include "ck_blocks_variants.h"
#include "ck_half.h"

void ck_blocks_widen_row(ck_block_format format, size_t blocks, const uint8_t *panel, size_t output, float *to) {
  for (size_t b = 0; b < blocks; b++, panel += ck_blocks_bytes(format)) {
    int has_minima = ck_block_has_minima(format);
    float m = has_minima ? ck_half_at(ck_block_minima_at(format, panel) + 2 * output) : 0.0f;
    for (size_t k = 0; k < CK_BLOCK_SIDE; k++) {
      float d = ck_half_at(ck_block_scales_at(format, panel, k) + 2 * output);
      float value = d * (float)ck_block_quant_at(format, panel, output, k);
      *to++ = has_minima ? value + m : value;
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
  float d[2][32], m[32];
  uint32_t pairs[32][16];
  for (int s = 0; s < 2; s++)
    for (int o = 0; o < 32; o++) d[s][o] = ck_half_at(ck_block_scales_at(format, block, 16 * (size_t)s) + 2 * o);
  if (ck_block_has_minima(format))
    for (int o = 0; o < 32; o++) m[o] = ck_half_at(ck_block_minima_at(format, block) + 2 * o);
  for (int k = 0; k < 32; k++) {
    uint16_t row[32];
    for (int o = 0; o < 32; o++) {
      float value = d[k / 16][o] * (float)ck_block_quant_at(format, block, (size_t)o, (size_t)k);
      row[o] = (uint16_t)nearest_bf16(ck_block_has_minima(format) ? value + m[o] : value);
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
#define WIDEN(format) widen_block(format, from, turned)
    CK_FOR_BLOCK_FORMAT(format, WIDEN)
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
