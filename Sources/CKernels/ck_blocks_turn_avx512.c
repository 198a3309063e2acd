#include "ck_blocks_lanes.h"

#if defined(__x86_64__)
/// The greatest lane of each of 16 vectors.
CK_INLINE CK_TARGET_AVX512 __m512 greatest_lanes(const __m512 in[16]) {
  __m512 a[8], b[4], c[2];
  CK_UNROLL for (int i = 0; i < 8; i++)
    a[i] = _mm512_max_ps(_mm512_unpacklo_ps(in[2 * i], in[2 * i + 1]), _mm512_unpackhi_ps(in[2 * i], in[2 * i + 1]));
  CK_UNROLL for (int i = 0; i < 4; i++) {
    __m512d first = _mm512_castps_pd(a[2 * i]), second = _mm512_castps_pd(a[2 * i + 1]);
    b[i] = _mm512_max_ps(_mm512_castpd_ps(_mm512_unpacklo_pd(first, second)),
                         _mm512_castpd_ps(_mm512_unpackhi_pd(first, second)));
  }
  CK_UNROLL for (int i = 0; i < 2; i++)
    c[i] = _mm512_max_ps(_mm512_shuffle_f32x4(b[2 * i], b[2 * i + 1], 0x44),
                         _mm512_shuffle_f32x4(b[2 * i], b[2 * i + 1], 0xee));
  return _mm512_max_ps(_mm512_shuffle_f32x4(c[0], c[1], 0x88), _mm512_shuffle_f32x4(c[0], c[1], 0xdd));
}

/// 16 scales from 16 greatest magnitudes, stored as float16 at `to`; returns their reciprocals, 0 for a scale of 0 or
/// infinity, where 1 is stored for the former. Rounds as `ck_quantise_weights`.
CK_INLINE CK_TARGET_AVX512 __m512 store_scales(__m512 most, uint8_t *to) {
  __m512 wanted = _mm512_div_ps(most, _mm512_set1_ps(127.0f));
  __m256i halves = _mm512_cvtps_ph(wanted, _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC);
  __mmask16 low = _mm512_cmp_ps_mask(_mm512_mul_ps(_mm512_set1_ps(127.25f), _mm512_cvtph_ps(halves)), most, _CMP_LT_OQ);
  halves = _mm256_mask_add_epi16(halves, low, halves, _mm256_set1_epi16(1));
  __mmask16 zero = _mm256_testn_epi16_mask(halves, halves);
  _mm256_storeu_si256((__m256i *)to, _mm256_mask_mov_epi16(halves, zero, _mm256_set1_epi16(0x3c00)));
  __m512 d = _mm512_cvtph_ps(halves);
  __mmask16 usable = _mm512_cmp_ps_mask(d, _mm512_setzero_ps(), _CMP_GT_OQ) &
                     _mm512_cmp_ps_mask(d, _mm512_set1_ps(65504.0f), _CMP_LE_OQ);
  return _mm512_maskz_div_ps(usable, _mm512_set1_ps(1.0f), d);
}

/// Four vectors of four 128-bit lanes each, turned round.
CK_INLINE CK_TARGET_AVX512 void transpose_lanes(const __m512i in[4], __m512i out[4]) {
  __m512i a = _mm512_shuffle_i32x4(in[0], in[1], 0x44), b = _mm512_shuffle_i32x4(in[2], in[3], 0x44);
  __m512i c = _mm512_shuffle_i32x4(in[0], in[1], 0xee), d = _mm512_shuffle_i32x4(in[2], in[3], 0xee);
  out[0] = _mm512_shuffle_i32x4(a, b, 0x88), out[1] = _mm512_shuffle_i32x4(a, b, 0xdd);
  out[2] = _mm512_shuffle_i32x4(c, d, 0x88), out[3] = _mm512_shuffle_i32x4(c, d, 0xdd);
}

CK_INLINE CK_TARGET_AVX512 int turn(ck_block_format format, const uint8_t *block, uint8_t *to) {
  const __m512i offset = _mm512_set1_epi32(ck_block_offset(format));
  float scales[64], values[8][2][4][16] __attribute__((aligned(64)));  // input / 4, half, input % 4, output
  float reciprocals[32] __attribute__((aligned(64)));
  if (!load_scales(format, block, scales)) return 0;
  CK_UNROLL for (int part = 0; part < 2; part++) {  // 16 inputs
    __m512 most[16];
    CK_UNROLL for (int k = 4 * part; k < 4 * part + 4; k++) {
      __m512i w[2];
      load_quants(format, block, k, w);
      CK_UNROLL for (int j = 0; j < 4; j++) {
        __m512 value[2];
        CK_UNROLL for (int half = 0; half < 2; half++) {
          __m512i q = _mm512_and_si512(_mm512_srli_epi32(w[half], 8 * (unsigned)j), _mm512_set1_epi32(255));
          __m512 d = _mm512_loadu_ps(scales + 16 * half + (ck_block_scales(format) == 2 ? 32 * part : 0));
          value[half] = _mm512_mul_ps(d, _mm512_cvtepi32_ps(_mm512_sub_epi32(q, offset)));
          if (ck_block_has_minima(format))
            value[half] = _mm512_add_ps(value[half], _mm512_loadu_ps(scales + 32 + 16 * half));
          _mm512_store_ps(values[k][half][j], value[half]);
        }
        most[4 * (k % 4) + j] = _mm512_max_ps(_mm512_abs_ps(value[0]), _mm512_abs_ps(value[1]));
      }
    }
    __m512 inverse = store_scales(greatest_lanes(most), to + 1024 + 32 * part);
    _mm512_store_ps(reciprocals + 16 * part, inverse);
  }
  const int none = (int)0x80808080;
  // The lowest bytes of a lane's four words, side by side as word j.
  const __m512i place[4] = {_mm512_broadcast_i32x4(_mm_setr_epi32(0x0c080400, none, none, none)),
                            _mm512_broadcast_i32x4(_mm_setr_epi32(none, 0x0c080400, none, none)),
                            _mm512_broadcast_i32x4(_mm_setr_epi32(none, none, 0x0c080400, none)),
                            _mm512_broadcast_i32x4(_mm_setr_epi32(none, none, none, 0x0c080400))};
  const __m512 round = _mm512_set1_ps(0x1.8p23f);  // leaves the nearest integer in the last bits (`ck_nearest`)
  CK_UNROLL for (int half = 0; half < 2; half++) {
    CK_UNROLL for (int part = 0; part < 2; part++) {
      __m512i bytes[4], lines[4];
      CK_UNROLL for (int k = 0; k < 4; k++) {
        bytes[k] = _mm512_set1_epi8((char)0x80);
        CK_UNROLL for (int j = 0; j < 4; j++) {
          __m512 scale = _mm512_set1_ps(reciprocals[16 * part + 4 * k + j]);
          __m512 scaled = _mm512_mul_ps(_mm512_load_ps(values[4 * part + k][half][j]), scale);
          __m512i bits = _mm512_castps_si512(_mm512_add_ps(scaled, round));
          bytes[k] = _mm512_xor_si512(bytes[k], _mm512_shuffle_epi8(bits, place[j]));
        }
      }
      transpose_lanes(bytes, lines);
      CK_UNROLL for (int group = 0; group < 4; group++)
        _mm512_storeu_si512(to + 128 * (4 * half + group) + 64 * part, lines[group]);
    }
  }
  return 1;
}

CK_TARGET_AVX512 int ck_blocks_turn_avx512(ck_block_format format, const uint8_t *block, uint8_t *to) {
#define TURN(format) return turn(format, block, to)
  CK_FOR_BLOCK_FORMAT(format, TURN)
  return 0;
}
#endif
