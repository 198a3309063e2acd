#include "ck_blocks_lanes.h"

#if defined(__x86_64__)
/// Turns an 8 x 8 matrix of 64-bit words round.
CK_INLINE CK_TARGET_AVX512 void transpose(const __m512i in[8], __m512i out[8]) {
  __m512i a[8], b[8];
  CK_UNROLL for (int i = 0; i < 4; i++) {
    a[2 * i] = _mm512_unpacklo_epi64(in[2 * i], in[2 * i + 1]);
    a[2 * i + 1] = _mm512_unpackhi_epi64(in[2 * i], in[2 * i + 1]);
  }
  CK_UNROLL for (int i = 0; i < 2; i++) {
    CK_UNROLL for (int odd = 0; odd < 2; odd++) {
      b[4 * i + odd] = _mm512_shuffle_i64x2(a[4 * i + odd], a[4 * i + odd + 2], 0x88);
      b[4 * i + odd + 2] = _mm512_shuffle_i64x2(a[4 * i + odd], a[4 * i + odd + 2], 0xdd);
    }
  }
  CK_UNROLL for (int i = 0; i < 4; i++) {
    out[i] = _mm512_shuffle_i64x2(b[i], b[i + 4], 0x88);
    out[i + 4] = _mm512_shuffle_i64x2(b[i], b[i + 4], 0xdd);
  }
}

/// Finite numbers rounded to bfloat16, in the upper halves of the lanes; below is what is left of the sum.
CK_INLINE CK_TARGET_AVX512 __m512i rounded(__m512 value) {
  __m512i bits = _mm512_castps_si512(value);
  __m512i last = _mm512_and_si512(_mm512_srli_epi32(bits, 16), _mm512_set1_epi32(1));
  return _mm512_add_epi32(_mm512_add_epi32(bits, _mm512_set1_epi32(0x7fff)), last);
}

/// 16 outputs: `quants[k / 4]` holds 16 x 4 unsigned bytes, `d` their scales, and `late` those of inputs 16...31, or minima.
CK_INLINE CK_TARGET_AVX512 void widen_half(ck_block_format format, const __m512i quants[8], const float *d,
                                           const float *late, uint16_t *to) {
  const __m512i offset = _mm512_set1_epi32(ck_block_offset(format));
  // Four bytes of one output (the pair's first, its second) to the four lanes of 32 bits.
  const __m512i spread[2] = {_mm512_broadcast_i32x4(_mm_setr_epi32(~0xff | 0, ~0xff | 1, ~0xff | 2, ~0xff | 3)),
                             _mm512_broadcast_i32x4(_mm_setr_epi32(~0xff | 4, ~0xff | 5, ~0xff | 6, ~0xff | 7))};
  __m512i pairs[8];  // of outputs; 8 x (4 bytes of the first, 4 of the second)
  transpose(quants, pairs);
  CK_UNROLL for (int pair = 0; pair < 8; pair++, to += 64) {
    CK_UNROLL for (int part = 0; part < 2; part++) {  // 16 inputs
      __m512i which = _mm512_add_epi64(_mm512_setr_epi64(0, 0, 1, 1, 2, 2, 3, 3), _mm512_set1_epi64(4 * part));
      __m512i words = _mm512_permutexvar_epi64(which, pairs[pair]), bits[2];
      CK_UNROLL for (int i = 0; i < 2; i++) {
        __m512i q = _mm512_sub_epi32(_mm512_shuffle_epi8(words, spread[i]), offset);
        const float *steps = ck_block_scales(format) == 2 && part == 1 ? late : d;
        __m512 value = _mm512_mul_ps(_mm512_set1_ps(steps[2 * pair + i]), _mm512_cvtepi32_ps(q));
        if (ck_block_has_minima(format)) value = _mm512_add_ps(value, _mm512_set1_ps(late[2 * pair + i]));
        bits[i] = rounded(value);
      }
      bits[0] = _mm512_srli_epi32(bits[0], 16);
      _mm512_storeu_si512(to + 32 * part, _mm512_mask_blend_epi16(0xaaaaaaaau, bits[0], bits[1]));
    }
  }
}

CK_INLINE CK_TARGET_AVX512 int widen(ck_block_format format, const uint8_t *block, uint16_t *to) {
  float scales[64];
  if (!load_scales(format, block, scales)) return 0;
  __m512i quants[2][8];
  CK_UNROLL for (int k = 0; k < 8; k++) {
    __m512i w[2];
    load_quants(format, block, k, w);
    quants[0][k] = w[0], quants[1][k] = w[1];
  }
  widen_half(format, quants[0], scales, scales + 32, to);
  widen_half(format, quants[1], scales + 16, scales + 48, to + 512);
  return 1;
}

CK_TARGET_AVX512 int ck_blocks_widen_avx512(ck_block_format format, const uint8_t *block, uint16_t *to) {
#define WIDEN(format) return widen(format, block, to)
  CK_FOR_BLOCK_FORMAT(format, WIDEN)
  return 0;
}
#endif
