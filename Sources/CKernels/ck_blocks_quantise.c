#include <math.h>

#include "ck_blocks_rounding.h"

#if defined(__x86_64__)
#include <immintrin.h>
#endif

/// The sum of the first 16 of a block's bytes.
CK_INLINE int32_t early_sum(const int8_t *quants) {
#if defined(__x86_64__)
  // Without a sign, in one instruction: compilers may take them one by one.
  __m128i bytes = _mm_xor_si128(_mm_loadu_si128((const __m128i *)quants), _mm_set1_epi8(-128));
  __m128i sums = _mm_sad_epu8(bytes, _mm_setzero_si128());
  return _mm_cvtsi128_si32(_mm_add_epi32(sums, _mm_srli_si128(sums, 8))) - 128 * CK_BLOCK_SIDE / 2;
#else
  int32_t sum = 0;
  for (int i = 0; i < CK_BLOCK_SIDE / 2; i++) sum += quants[i];
  return sum;
#endif
}

/// A block's, with the sum of its `ck_nearest_bits`.
CK_INLINE void set_facts(ck_block_facts *facts, float scale, uint32_t bits, int32_t early) {
  int32_t sum = (int32_t)(bits - CK_BLOCK_SIDE * ck_zero_bits);
  *facts = (ck_block_facts){scale, sum, early, scale * (float)sum};
}

/// A row's block in 8 bits.
CK_INLINE void quantise(const float *from, int8_t *restrict quants, ck_block_facts *facts) {
  // Not fused, so that all variants round alike.
#pragma clang fp contract(off)
  uint32_t top = ck_greatest_magnitude(from);
  float most;
  memcpy(&most, &top, 4);
  int tiny = most < 0x1p-100f, finite = top < 0x7f800000u;
  float inverse = finite && !tiny ? 127.0f / most : 0.0f;
  uint32_t total = 0;
  for (int i = 0; i < CK_BLOCK_SIDE; i++) {
    uint32_t bits = ck_nearest_bits(from[i] * inverse);
    quants[i] = (int8_t)bits;
    total += bits;
  }
  set_facts(facts, tiny ? 0.0f : most / 127.0f, total, early_sum(quants));
}

/// A row's block in 16 bits, as two of 8.
CK_INLINE void quantise_twice(const float *from, int8_t *restrict high, int8_t *restrict low,
                              ck_block_facts *facts) {
#pragma clang fp contract(off)
  uint32_t top = ck_greatest_magnitude(from);
  float most;
  memcpy(&most, &top, 4);
  int usual = most >= 0x1p-80f && most < 0x1p100f;
  // The next power of two, if it is not one.
  float least = usual ? most / 32512.0f : 1.0f, power, inverse;
  uint32_t bits;
  memcpy(&bits, &least, 4);
  bits = (bits + 0x7fffffu) & 0x7f800000u;
  memcpy(&power, &bits, 4);
  bits = (254u << 23) - bits;
  memcpy(&inverse, &bits, 4);
  if (!usual) inverse = 0.0f;
  uint32_t total = 0;
  for (int i = 0; i < CK_BLOCK_SIDE; i++) {
    bits = ck_nearest_bits(from[i] * inverse);
    high[i] = (int8_t)((bits + 128) >> 8), low[i] = (int8_t)bits;
    total += bits;
  }
  set_facts(facts, usual || most < 1.0f ? power : NAN, total, 256 * early_sum(high) + early_sum(low));
}

#if defined(__x86_64__)
/// Lane i of the result is `op` over the 16 lanes of `in[i]`: across lanes once for four vectors.
#define REDUCE_FOUR(op, in)                                                                            \
  __m512i first = op(_mm512_unpacklo_epi32(in[0], in[1]), _mm512_unpackhi_epi32(in[0], in[1]));        \
  __m512i second = op(_mm512_unpacklo_epi32(in[2], in[3]), _mm512_unpackhi_epi32(in[2], in[3]));       \
  __m512i both = op(_mm512_unpacklo_epi64(first, second), _mm512_unpackhi_epi64(first, second));       \
  both = op(both, _mm512_shuffle_i64x2(both, both, 0x4e));                                             \
  return _mm512_castsi512_si128(op(both, _mm512_shuffle_i64x2(both, both, 0xb1)));

CK_INLINE CK_TARGET_AVX512 __m128i greatest_of_four(const __m512i in[4]) { REDUCE_FOUR(_mm512_max_epu32, in) }
CK_INLINE CK_TARGET_AVX512 __m128i sums_of_four(const __m512i in[4]) { REDUCE_FOUR(_mm512_add_epi32, in) }

/// What values of four blocks are multiplied by, and the blocks' scales.
CK_INLINE CK_TARGET_AVX512 void scales_of_four(int parts, __m128i top, __m128 *inverse, __m128 *scale) {
  const __m128 most = _mm_castsi128_ps(top);
  if (parts == 1) {
    __mmask8 finite = _mm_cmplt_epu32_mask(top, _mm_set1_epi32(0x7f800000));
    __mmask8 tiny = _mm_cmp_ps_mask(most, _mm_set1_ps(0x1p-100f), _CMP_LT_OQ);
    *inverse = _mm_maskz_div_ps(finite & (__mmask8)~tiny, _mm_set1_ps(127.0f), most);
    *scale = _mm_maskz_div_ps((__mmask8)~tiny, most, _mm_set1_ps(127.0f));
    return;
  }
  __mmask8 usual = _mm_cmp_ps_mask(most, _mm_set1_ps(0x1p-80f), _CMP_GE_OQ) &
                   _mm_cmp_ps_mask(most, _mm_set1_ps(0x1p100f), _CMP_LT_OQ);
  __mmask8 shown = usual | _mm_cmp_ps_mask(most, _mm_set1_ps(1.0f), _CMP_LT_OQ);
  __m128 least = _mm_mask_div_ps(_mm_set1_ps(1.0f), usual, most, _mm_set1_ps(32512.0f));
  __m128i bits = _mm_add_epi32(_mm_castps_si128(least), _mm_set1_epi32(0x7fffff));
  bits = _mm_and_si128(bits, _mm_set1_epi32(0x7f800000));
  *inverse = _mm_castsi128_ps(_mm_maskz_sub_epi32(usual, _mm_set1_epi32(254 << 23), bits));
  *scale = _mm_mask_blend_ps(shown, _mm_set1_ps(NAN), _mm_castsi128_ps(bits));
}

/// Four blocks of a row, to the bits of `quantise` and `quantise_twice`. `parts` is a constant wherever this is inlined.
CK_INLINE CK_TARGET_AVX512 void quantise_four(int parts, const float *from, int8_t *high, int8_t *low,
                                              ck_block_facts *facts) {
  const __m512i magnitude = _mm512_set1_epi32(0x7fffffff);
  __m512i greatest[4], early[4], all[4];
  for (int b = 0; b < 4; b++)
    greatest[b] = _mm512_max_epu32(_mm512_and_si512(_mm512_loadu_si512(from + 32 * b), magnitude),
                                   _mm512_and_si512(_mm512_loadu_si512(from + 32 * b + 16), magnitude));
  __m128 inverse, scale;
  scales_of_four(parts, greatest_of_four(greatest), &inverse, &scale);
  for (int b = 0; b < 4; b++) {
    __m512 factor = _mm512_permutexvar_ps(_mm512_set1_epi32(b), _mm512_castps128_ps512(inverse));
    __m512i bits[2];
    for (int half = 0; half < 2; half++) {
      const int at = 32 * b + 16 * half;
      __m512 scaled = _mm512_mul_ps(_mm512_loadu_ps(from + at), factor);
      bits[half] = _mm512_castps_si512(_mm512_add_ps(scaled, _mm512_set1_ps(0x1.8p23f)));
      _mm_storeu_si128((__m128i *)(low + at), _mm512_cvtepi32_epi8(bits[half]));
      if (parts == 1) continue;
      __m512i upper = _mm512_srli_epi32(_mm512_add_epi32(bits[half], _mm512_set1_epi32(128)), 8);
      _mm_storeu_si128((__m128i *)(high + at), _mm512_cvtepi32_epi8(upper));
    }
    early[b] = bits[0];
    all[b] = _mm512_add_epi32(bits[0], bits[1]);
  }
  const __m128i zeros = _mm_set1_epi32((int)(CK_BLOCK_SIDE / 2 * ck_zero_bits));  // of 16 values
  __m128i first = _mm_sub_epi32(sums_of_four(early), zeros);
  __m128i sum = _mm_sub_epi32(sums_of_four(all), _mm_add_epi32(zeros, zeros));
  __m128 rows[4] = {scale, _mm_castsi128_ps(sum), _mm_castsi128_ps(first), _mm_mul_ps(scale, _mm_cvtepi32_ps(sum))};
  _MM_TRANSPOSE4_PS(rows[0], rows[1], rows[2], rows[3]);
  for (int b = 0; b < 4; b++) _mm_storeu_ps((float *)(facts + b), rows[b]);
}
#endif

/// A row, and where it goes; in 8 bits there are only low bytes.
typedef struct {
  const float *x;
  int8_t *high, *low;
  ck_block_facts *facts;
  size_t blocks;
} quantised_row;

CK_INLINE quantised_row row_at(size_t t, const float *x, size_t x_stride, const ck_block_rows *to) {
  const size_t blocks = to->stride, width = blocks * CK_BLOCK_SIDE;
  int8_t *quants = to->quants + t * to->parts * width;
  return (quantised_row){x + t * x_stride, quants, quants + (to->parts - 1) * width, to->facts + t * blocks, blocks};
}

/// Its blocks from `b` on; and in 16 bits, what all of them show of one that is not finite.
CK_INLINE void quantise_rest(size_t parts, quantised_row row, size_t b) {
  for (; b < row.blocks; b++) {
    const size_t at = b * CK_BLOCK_SIDE;
    if (parts == 1) quantise(row.x + at, row.low + at, row.facts + b);
    if (parts == 2) quantise_twice(row.x + at, row.high + at, row.low + at, row.facts + b);
  }
  int spoilt = 0;
  for (b = 0; parts == 2 && b < row.blocks; b++) spoilt |= row.facts[b].scale != row.facts[b].scale;
  for (b = 0; spoilt && b < row.blocks; b++) row.facts[b].scaled_sum = NAN;
}

CK_INLINE void ck_blocks_quantise_body(size_t rows, const float *x, size_t x_stride, const ck_block_rows *to) {
  for (size_t t = 0; t < rows; t++) {
    quantised_row row = row_at(t, x, x_stride, to);
    if (to->parts == 1) quantise_rest(1, row, 0);
    if (to->parts == 2) quantise_rest(2, row, 0);
  }
}

#if defined(__x86_64__)
CK_TARGET_AVX512 static void ck_blocks_quantise_avx512(size_t rows, const float *x, size_t x_stride,
                                                       const ck_block_rows *to) {
  for (size_t t = 0; t < rows; t++) {
    quantised_row row = row_at(t, x, x_stride, to);
    size_t b = 0;
    for (; b + 4 <= row.blocks; b += 4) {
      const size_t at = b * CK_BLOCK_SIDE;
      if (to->parts == 1) quantise_four(1, row.x + at, NULL, row.low + at, row.facts + b);
      if (to->parts == 2) quantise_four(2, row.x + at, row.high + at, row.low + at, row.facts + b);
    }
    quantise_rest(to->parts, row, b);
  }
}
#endif

CK_KERNEL_WIDE(ck_blocks_quantise, (size_t rows, const float *x, size_t x_stride, const ck_block_rows *to),
               (rows, x, x_stride, to))
