// Blocks turned round, for products with the transpose of a weight.
#include "ck_blocks_rounding.h"
#include "ck_blocks_variants.h"

CK_INLINE void turn_block(ck_block_format format, const uint8_t *block, uint8_t *to) {
#pragma clang fp contract(off)
  const int has_minima = ck_block_has_minima(format);
  float turned[CK_BLOCK_SIDE][CK_BLOCK_SIDE];
  for (size_t o = 0; o < CK_BLOCK_SIDE; o++) {
    float m = has_minima ? ck_half_at(ck_block_minima_at(format, block) + 2 * o) : 0.0f;
    for (size_t k = 0; k < CK_BLOCK_SIDE; k++) {
      float d = ck_half_at(ck_block_scales_at(format, block, k) + 2 * o);
      float value = d * (float)ck_block_quant_at(format, block, o, k);
      turned[k][o] = has_minima ? value + m : value;
    }
  }
  ck_blocks_pack_f32(CK_BLOCK_SIDE, 1, turned[0], NULL, to);
}

void ck_blocks_turn(ck_block_format format, size_t count, const uint8_t *from, size_t stride, uint8_t *to) {
  for (size_t i = 0; i < count; i++, from += stride, to += ck_blocks_bytes(CK_BLOCKS_8)) {
#if defined(__x86_64__)
    if (ck_current_variant() >= CK_AVX512 && ck_blocks_turn_avx512(format, from, to)) continue;
#endif
#define TURN(format) turn_block(format, from, to)
    CK_FOR_BLOCK_FORMAT(format, TURN)
  }
}
