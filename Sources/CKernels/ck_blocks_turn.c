// Blocks turned round, for products with the transpose of a weight.
#include "ck_blocks_rounding.h"
#include "ck_blocks_variants.h"

CK_INLINE void turn_block(ck_block_format format, const uint8_t *block, uint8_t *to) {
#pragma clang fp contract(off)
  const uint8_t *halves = block + ck_block_quant_bytes(format);
  float turned[CK_BLOCK_SIDE][CK_BLOCK_SIDE];
  for (size_t o = 0; o < CK_BLOCK_SIDE; o++) {
    float d = ck_half_at(halves + 2 * o), m = format == CK_BLOCKS_4_1 ? ck_half_at(halves + 64 + 2 * o) : 0.0f;
    for (size_t k = 0; k < CK_BLOCK_SIDE; k++) {
      float value = d * (float)ck_block_quant_at(format, block, o, k);
      turned[k][o] = format == CK_BLOCKS_4_1 ? value + m : value;
    }
  }
  ck_blocks_pack_f32(CK_BLOCK_SIDE, 1, turned[0], NULL, to);
}

void ck_blocks_turn(ck_block_format format, size_t count, const uint8_t *from, size_t stride, uint8_t *to) {
  for (size_t i = 0; i < count; i++, from += stride, to += ck_blocks_bytes(CK_BLOCKS_8)) {
#if defined(__x86_64__)
    if (ck_current_variant() >= CK_AVX512 && ck_blocks_turn_avx512(format, from, to)) continue;
#endif
    switch (format) {
      case CK_BLOCKS_8: turn_block(CK_BLOCKS_8, from, to); break;
      case CK_BLOCKS_4: turn_block(CK_BLOCKS_4, from, to); break;
      case CK_BLOCKS_4_1: turn_block(CK_BLOCKS_4_1, from, to); break;
    }
  }
}
