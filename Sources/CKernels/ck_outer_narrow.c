// Sums of outer products of rows in bf16.
#include "ck_math.h"
#include "ck_outer_variants.h"

enum {
  chunk = 64,         ///< Rows that stand rearranged at a time.
  left_block = 96,    ///< Columns of p that do.
  right_block = 128,  ///< Columns of q that do.
};

/// `rows` by `columns` values as floats, those of a row side by side.
static void widen(size_t rows, size_t columns, const uint16_t *from, size_t stride, float *to) {
  for (size_t t = 0; t < rows; t++)
    for (size_t i = 0; i < columns; i++) to[t * columns + i] = ck_widened(from[t * stride + i]);
}

static void sum_widened(size_t rows, size_t left, size_t right, const uint16_t *p, size_t p_stride, const uint16_t *q,
                        size_t q_stride, float *c, size_t c_stride) {
  float wide_p[chunk * left_block], wide_q[chunk * right_block];
  widen(rows, left, p, p_stride, wide_p);
  widen(rows, right, q, q_stride, wide_q);
  ck_outer(rows, left, right, wide_p, left, wide_q, right, c, c_stride, 1);
}

#if defined(__x86_64__)
#include <immintrin.h>

/// Two rows' values side by side, `[row / 2][column][row % 2]`: filled up with zeros to an even number of rows of whole vectors.
CK_TARGET_AVX512 static void interleave(size_t rows, size_t columns, const uint16_t *from, size_t stride, uint32_t *to,
                                        size_t to_stride) {
  const __m512i low = _mm512_set_epi16(47, 15, 46, 14, 45, 13, 44, 12, 43, 11, 42, 10, 41, 9, 40, 8, 39, 7, 38, 6, 37, 5, 36, 4,
                                       35, 3, 34, 2, 33, 1, 32, 0);
  const __m512i high = _mm512_add_epi16(low, _mm512_set1_epi16(16));
  for (size_t t = 0; t < rows; t += 2, to += to_stride) {
    for (size_t i = 0; i < columns; i += 32) {
      const __mmask32 mask = columns - i >= 32 ? ~(__mmask32)0 : ((__mmask32)1 << (columns - i)) - 1;
      const __m512i even = _mm512_maskz_loadu_epi16(mask, from + t * stride + i);
      const __m512i odd = _mm512_maskz_loadu_epi16(t + 1 < rows ? mask : 0, from + (t + 1) * stride + i);
      _mm512_storeu_si512(to + i, _mm512_permutex2var_epi16(even, low, odd));
      _mm512_storeu_si512(to + i + 16, _mm512_permutex2var_epi16(even, high, odd));
    }
  }
}

/// Adds `pairs` pairs of rows to `count` by 16 sums, the first `mask` of each 16.
CK_INLINE CK_TARGET_AVX512_BF16 void tile(int count, size_t pairs, __mmask16 mask, const uint32_t *p, const uint32_t *q,
                                          float *c, size_t c_stride) {
  __m512 sums[24];
  CK_UNROLL for (int m = 0; m < count; m++) sums[m] =
      _mm512_maskz_loadu_ps(mask, c + (size_t)m * c_stride);
  _Pragma("clang loop unroll(disable)") for (size_t t = 0; t < pairs; t++, p += left_block, q += right_block) {
    const __m512bh right = (__m512bh)_mm512_loadu_si512(q);
    CK_UNROLL for (int m = 0; m < count; m++) sums[m] =
        _mm512_dpbf16_ps(sums[m], (__m512bh)_mm512_set1_epi32((int)p[m]), right);
  }
  CK_UNROLL for (int m = 0; m < count; m++)
      _mm512_mask_storeu_ps(c + (size_t)m * c_stride, mask, sums[m]);
}

CK_TARGET_AVX512_BF16 static void sum_in_pairs(size_t rows, size_t left, size_t right, const uint16_t *p, size_t p_stride,
                                               const uint16_t *q, size_t q_stride, float *c, size_t c_stride) {
  _Alignas(64) uint32_t both_p[chunk / 2 * left_block], both_q[chunk / 2 * right_block];
  const size_t pairs = (rows + 1) / 2;
  interleave(rows, left, p, p_stride, both_p, left_block);
  interleave(rows, right, q, q_stride, both_q, right_block);
  for (size_t n = 0; n < right; n += 16) {
    const __mmask16 mask = ck_first_lanes(right - n);
    size_t m = 0;
#define TILES(count) \
  for (; left - m >= count; m += count) tile(count, pairs, mask, both_p + m, both_q + n, c + m * c_stride + n, c_stride);
    TILES(24)
    TILES(16)
    TILES(8)
    TILES(2)
    TILES(1)
  }
}
#endif

void ck_outer_narrow(size_t rows, size_t left, size_t right, const uint16_t *p, size_t p_stride, const uint16_t *q,
                     size_t q_stride, float *c, size_t c_stride, int accumulate) {
#if defined(__x86_64__)
  const ck_variant variant = ck_current_variant();
  if (variant >= CK_AMX)
    return ck_outer_amx(rows, left, right, p, p_stride, q, q_stride, c, c_stride, accumulate);
#endif
  if (!accumulate) ck_clear_sums(left, right, c, c_stride);
  for (size_t t = 0; t < rows; t += chunk) {
    for (size_t m = 0; m < left; m += left_block) {
      for (size_t n = 0; n < right; n += right_block) {
        const size_t take = ck_least(rows - t, chunk);
        const size_t down = ck_least(left - m, left_block), across = ck_least(right - n, right_block);
        const uint16_t *pt = p + t * p_stride + m, *qt = q + t * q_stride + n;
        float *to = c + m * c_stride + n;
#if defined(__x86_64__)
        if (variant >= CK_AVX512_BF16) {
          sum_in_pairs(take, down, across, pt, p_stride, qt, q_stride, to, c_stride);
          continue;
        }
#endif
        sum_widened(take, down, across, pt, p_stride, qt, q_stride, to, c_stride);
      }
    }
  }
}
