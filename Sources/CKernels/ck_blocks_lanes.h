// What the AVX-512 variants read of a block.
#pragma once
#include "ck_blocks_variants.h"

#if defined(__x86_64__)
#include <immintrin.h>

/// 16 halves as floats.
CK_INLINE CK_TARGET_AVX512 __m512 load_halves(const uint8_t *from) {
  return _mm512_cvtph_ps(_mm256_loadu_si256((const __m256i *)from));
}

/// The upper bits of one half of a panel for inputs 4k...4k+3, where they stand in bytes whose low four bits are below them.
CK_INLINE CK_TARGET_AVX512 __m512i load_upper_bits(ck_block_format format, const uint8_t *block, int k, int half) {
  int bit;
  __m512i bits = _mm512_loadu_si512(ck_block_high_bits(format, block, (size_t)k, &bit) + 64 * half);
  int up = 4 - bit;
  return up > 0 ? _mm512_slli_epi16(bits, (unsigned)up) : up < 0 ? _mm512_srli_epi16(bits, (unsigned)-up) : bits;
}

/// The weights of both halves of a panel (16 outputs each) for inputs 4k...4k+3, as unsigned bytes.
CK_INLINE CK_TARGET_AVX512 void load_quants(ck_block_format format, const uint8_t *block, int k, __m512i w[2]) {
  if (format == CK_BLOCKS_8) {
    w[0] = _mm512_loadu_si512(block + 128 * k);
    w[1] = _mm512_loadu_si512(block + 128 * k + 64);
  } else {
    const int upper = ck_block_upper_bits(format);
    __m512i both = _mm512_loadu_si512(ck_block_low_bits(format, block, (size_t)k)), low = _mm512_set1_epi8(15);
    w[0] = _mm512_and_si512(both, low);
    w[1] = _mm512_and_si512(_mm512_srli_epi16(both, 4), low);
    if (upper == 0) return;
    const __m512i mask = _mm512_set1_epi8((char)(((1 << upper) - 1) << 4));
    CK_UNROLL for (int half = 0; half < 2; half++)  // w | (bits & mask)
        w[half] = _mm512_ternarylogic_epi32(w[half], load_upper_bits(format, block, k, half), mask, 0xf8);
  }
}

/// A block's 32 or 64 scales or, where there are any, its 32 scales and 32 minima; 0 where one is not finite.
CK_INLINE CK_TARGET_AVX512 int load_scales(ck_block_format format, const uint8_t *block, float scales[64]) {
  __mmask16 special = 0;
  CK_UNROLL for (int i = 0; i < 2 * (ck_block_scales(format) + ck_block_has_minima(format)); i++) {
    const uint8_t *late = ck_block_has_minima(format) ? ck_block_minima_at(format, block) : ck_block_scales_at(format, block, 16);
    __m512 values = load_halves((i < 2 ? ck_block_scales_at(format, block, 0) : late) + 32 * (i % 2));
    special |= _mm512_fpclass_ps_mask(values, 0x99);  // NaN or infinity
    _mm512_storeu_ps(scales + 16 * i, values);
  }
  return special == 0;
}
#endif
