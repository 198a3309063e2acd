// Narrowing of activations and packing of weights for `ck_bf16_product`.
#include "ck_bf16.h"

#include <string.h>

#include "ck_math.h"
#include "ck_transpose.h"

#if defined(__x86_64__)
#include <immintrin.h>
#endif

CK_INLINE void ck_bf16_rows_body(size_t rows, size_t width, const float *from, size_t from_stride, uint16_t *to,
                                 size_t to_stride) {
  for (size_t t = 0; t < rows; t++) {
    const float *x = from + t * from_stride;
    uint16_t *y = to + t * to_stride;
    for (size_t i = 0; i < width; i++) y[i] = ck_narrowed(x[i]);
    for (size_t i = width; i < to_stride; i++) y[i] = 0;
  }
}

size_t ck_bf16_filled(size_t count) {
  return count < CK_BF16_BLOCK ? (count + 1) / 2 * 2 : (count + CK_BF16_BLOCK - 1) / CK_BF16_BLOCK * CK_BF16_BLOCK;
}

CK_INLINE void ck_bf16_pack_body(size_t width, size_t outputs, size_t inputs, const float *weight, size_t stride,
                                 uint16_t *panel) {
  memset(panel, 0, ck_bf16_filled(inputs) * width * 2);
  for (size_t o = 0; o < outputs; o++) {
    const float *w = weight + o * stride;
    uint16_t *to = panel + 2 * o;
    for (size_t k = 0; k < inputs; k++) to[(k / 2) * 2 * width + k % 2] = ck_narrowed(w[k]);
  }
}

CK_INLINE void ck_bf16_pack_transposed_body(size_t width, size_t outputs, size_t inputs, const float *weight,
                                            size_t stride, uint16_t *panel) {
  memset(panel, 0, ck_bf16_filled(outputs) * width * 2);
  for (size_t o = 0; o < outputs; o++) {
    const float *w = weight + o * stride;
    uint16_t *to = panel + (o / 2) * 2 * width + o % 2;
    for (size_t i = 0; i < inputs; i++) to[2 * i] = ck_narrowed(w[i]);
  }
}

/// Values in a block of 32 x 32.
enum { ck_block_values = 32 * 32 };

CK_INLINE void ck_bf16_transpose_body(size_t count, const uint16_t *from, size_t stride, uint16_t *to) {
  for (; count > 0; count--, from += stride, to += ck_block_values)
    for (size_t pair = 0; pair < 16; pair++)
      for (size_t i = 0; i < 32; i++)
        for (size_t half = 0; half < 2; half++)
          to[pair * 64 + i * 2 + half] = from[(i / 2) * 64 + (2 * pair + half) * 2 + i % 2];
}

CK_INLINE void ck_bf16_output_body(size_t output, size_t width, const uint16_t *panel, float *to) {
  for (size_t k = 0; k < width; k++)
    to[k] = ck_widened(panel[(k / 2) * 2 * CK_BF16_PANEL + 2 * output + k % 2]);
}

#if defined(__x86_64__)
/// Rounds 2 x 16 floats to bf16 and lays them side by side, the first in the lower half of each word.
#define CK_NARROW_HALF(v)                                                                                    \
  _mm512_add_epi32(v, _mm512_add_epi32(_mm512_set1_epi32(0x7FFF),                                            \
                                       _mm512_and_si512(_mm512_srli_epi32(v, 16), _mm512_set1_epi32(1))))

/// 32 floats of a row as 16 words of two neighbours each; fewer where `left` is less.
CK_TARGET_AVX512 static inline ck_words ck_neighbours(const float *from, size_t left) {
  __mmask16 low = (__mmask16)(left >= 16 ? 0xFFFF : (1u << left) - 1);
  __mmask16 high = (__mmask16)(left >= 32 ? 0xFFFF : left > 16 ? (1u << (left - 16)) - 1 : 0);
  ck_words a = _mm512_castps_si512(_mm512_maskz_loadu_ps(low, from));
  ck_words b = _mm512_castps_si512(_mm512_maskz_loadu_ps(high, from + 16));
  a = CK_NARROW_HALF(a), b = CK_NARROW_HALF(b);
  // The upper halves of all words of a, then those of b.
  const ck_words upper = _mm512_set_epi16(63, 61, 59, 57, 55, 53, 51, 49, 47, 45, 43, 41, 39, 37, 35, 33, 31, 29, 27,
                                          25, 23, 21, 19, 17, 15, 13, 11, 9, 7, 5, 3, 1);
  return _mm512_permutex2var_epi16(a, upper, b);
}

CK_TARGET_AVX512 static void ck_bf16_pack_avx512(size_t width, size_t outputs, size_t inputs, const float *weight,
                                                 size_t stride, uint16_t *panel) {
  size_t filled = ck_bf16_filled(inputs);
  for (size_t k = 0; k < inputs; k += 32, panel += 32 * width) {
    size_t left = inputs - k < 32 ? inputs - k : 32, pairs = (filled - k < 32 ? filled - k : 32) / 2;
    for (size_t half = 0; half < width / 16; half++) {
      ck_words rows[16];
      for (size_t r = 0; r < 16; r++) {
        size_t o = half * 16 + r;
        rows[r] = o < outputs ? ck_neighbours(weight + o * stride + k, left) : _mm512_setzero_si512();
      }
      ck_transpose_words(rows);
      uint16_t *to = panel + 32 * half;
      for (size_t pair = 0; pair < pairs; pair++) _mm512_storeu_si512(to + pair * 2 * width, rows[pair]);
    }
  }
}

/// Two rows of `weight`, interleaved: the words of inputs 0..15, or 16..31.
CK_TARGET_AVX512 static void ck_bf16_pack_transposed_avx512(size_t width, size_t outputs, size_t inputs,
                                                            const float *weight, size_t stride, uint16_t *panel) {
  __mmask16 low = (__mmask16)(inputs >= 16 ? 0xFFFF : (1u << inputs) - 1);
  __mmask16 high = (__mmask16)(inputs >= 32 ? 0xFFFF : inputs > 16 ? (1u << (inputs - 16)) - 1 : 0);
  size_t filled = ck_bf16_filled(outputs);
  for (size_t o = 0; o < filled; o += 2, panel += 2 * width) {
    const float *first = weight + o * stride, *second = first + stride;
    for (size_t half = 0; half < width / 16; half++) {
      __mmask16 mask = half ? high : low;
      ck_words a = _mm512_castps_si512(_mm512_maskz_loadu_ps(o < outputs ? mask : 0, first + 16 * half));
      ck_words b = _mm512_castps_si512(_mm512_maskz_loadu_ps(o + 1 < outputs ? mask : 0, second + 16 * half));
      a = CK_NARROW_HALF(a), b = CK_NARROW_HALF(b);
      ck_words both = _mm512_or_si512(_mm512_srli_epi32(a, 16), _mm512_and_si512(b, _mm512_set1_epi32((int)0xFFFF0000)));
      _mm512_storeu_si512(panel + 32 * half, both);
    }
  }
}

/// Each unit of 64 bits holds two inputs of two outputs; exchanging its middle halves and transposing the 16 x 16 units
/// is the whole of it. Processors do not foresee the leap to the next block, so it is fetched meanwhile.
CK_TARGET_AVX512 static void ck_bf16_transpose_avx512(size_t count, const uint16_t *from, size_t stride, uint16_t *to) {
  const ck_words swap = _mm512_set4_epi32(0x0F0E0B0A, 0x0D0C0908, 0x07060302, 0x05040100);
  for (; count > 0; count--, from += stride, to += ck_block_values) {
    for (int i = 0; i < 2; i++) {
      for (int j = 0; j < 2; j++) {
        ck_words r[8];
        _Pragma("clang loop unroll(full)") for (int p = 0; p < 8; p++) {
          const uint16_t *at = from + (8 * i + p) * 64 + 32 * j;
          if (count > 1) _mm_prefetch(at + stride, _MM_HINT_T0);
          r[p] = _mm512_shuffle_epi8(_mm512_loadu_si512(at), swap);
        }
        CK_TRANSPOSE_UNITS(r)
        _Pragma("clang loop unroll(full)") for (int q = 0; q < 8; q++)
            _mm512_storeu_si512(to + (8 * j + q) * 64 + 32 * i, r[q]);
      }
    }
  }
}
#endif

CK_KERNEL(ck_bf16_rows,
          (size_t rows, size_t width, const float *restrict from, size_t from_stride, uint16_t *restrict to,
           size_t to_stride),
          (rows, width, from, from_stride, to, to_stride))
CK_KERNEL(ck_bf16_output, (size_t output, size_t width, const uint16_t *restrict panel, float *restrict to),
          (output, width, panel, to))
CK_KERNEL_WIDE(ck_bf16_pack,
               (size_t width, size_t outputs, size_t inputs, const float *restrict weight, size_t stride,
                uint16_t *restrict panel),
               (width, outputs, inputs, weight, stride, panel))
CK_KERNEL_WIDE(ck_bf16_pack_transposed,
               (size_t width, size_t outputs, size_t inputs, const float *restrict weight, size_t stride,
                uint16_t *restrict panel),
               (width, outputs, inputs, weight, stride, panel))
CK_KERNEL_WIDE(ck_bf16_transpose,
               (size_t count, const uint16_t *restrict from, size_t stride, uint16_t *restrict to),
               (count, from, stride, to))
