// What the AVX-512 variants read of a block.
#pragma once
#include "ck_blocks_variants.h"

#if defined(__x86_64__)
#include <immintrin.h>

/// 16 halves as floats.
CK_INLINE CK_TARGET_AVX512 __m512 load_halves(const uint8_t *from) {
  return _mm512_cvtph_ps(_mm256_loadu_si256((const __m256i *)from));
}

/// The weights of both halves of a panel (16 outputs each) for inputs 4k...4k+3, as unsigned bytes.
CK_INLINE CK_TARGET_AVX512 void load_quants(ck_block_format format, const uint8_t *block, int k, __m512i w[2]) {
  if (format == CK_BLOCKS_8) {
    w[0] = _mm512_loadu_si512(block + 128 * k);
    w[1] = _mm512_loadu_si512(block + 128 * k + 64);
  } else {
    __m512i both = _mm512_loadu_si512(block + 64 * k), low = _mm512_set1_epi8(15);
    w[0] = _mm512_and_si512(both, low);
    w[1] = _mm512_and_si512(_mm512_srli_epi16(both, 4), low);
  }
}

/// A block's 32 scales and, where there are any, its 32 minima; 0 where one is not finite.
CK_INLINE CK_TARGET_AVX512 int load_scales(ck_block_format format, const uint8_t *block, float scales[64]) {
  __mmask16 special = 0;
  CK_UNROLL for (int i = 0; i < (format == CK_BLOCKS_4_1 ? 4 : 2); i++) {
    __m512 values = load_halves(block + ck_block_quant_bytes(format) + 32 * i);
    special |= _mm512_fpclass_ps_mask(values, 0x99);  // NaN or infinity
    _mm512_storeu_ps(scales + 16 * i, values);
  }
  return special == 0;
}
#endif
