#include "ck_f16.h"

#include <string.h>

#include "ck_half.h"


enum {
  panel_outputs = 32,
  plain_rows = 2,
  widened = 128,  // inputs of a panel that are made floats at once, for many rows
};

/// `count` outputs' values of one input out of pairs of inputs that lie side by side.
CK_INLINE void widen_input(size_t count, const uint16_t *pairs, float *to) {
  for (size_t o = 0; o < count; o++) to[o] = ck_half_at((const uint8_t *)(pairs + 2 * o));
}

/// The product in plain C, an input at a time.
CK_INLINE void ck_f16_panel_plain(size_t rows, size_t width, size_t columns, const float *x, size_t x_stride,
                                  const uint16_t *panel, size_t depth, float *y, size_t y_stride) {
#pragma clang fp contract(fast)
  for (size_t row = 0; row < rows; row += plain_rows) {
    float sums[plain_rows][panel_outputs] = {{0}};
    size_t count = rows - row < plain_rows ? rows - row : plain_rows;
    for (size_t k = 0; k < depth; k++) {
      float w[panel_outputs];
      widen_input(width, panel + k / 2 * 2 * width + k % 2, w);
      for (size_t t = 0; t < count; t++) {
        float value = x[(row + t) * x_stride + k];
        for (size_t o = 0; o < width; o++) sums[t][o] = value * w[o] + sums[t][o];
      }
    }
    for (size_t t = 0; t < count; t++) memcpy(y + (row + t) * y_stride, sums[t], columns * sizeof(float));
  }
}

typedef void ck_f16_panel(size_t rows, size_t width, size_t columns, const float *x, size_t x_stride,
                          const uint16_t *panel, size_t depth, float *y, size_t y_stride);

static void ck_f16_panel_portable(size_t rows, size_t width, size_t columns, const float *x, size_t x_stride,
                                  const uint16_t *panel, size_t depth, float *y, size_t y_stride) {
  if (width == 16)
    ck_f16_panel_plain(rows, 16, columns, x, x_stride, panel, depth, y, y_stride);
  else
    ck_f16_panel_plain(rows, 32, columns, x, x_stride, panel, depth, y, y_stride);
}

CK_INLINE uint16_t nearest(float value) {
  uint32_t bits;
  memcpy(&bits, &value, 4);
  uint32_t sign = bits >> 16 & 0x8000u;
  bits &= 0x7fffffffu;
  memcpy(&value, &bits, 4);
  return (uint16_t)(ck_half_nearest(value) | sign);
}

#if defined(__x86_64__)
#include <immintrin.h>

CK_TARGET_AVX2 static void ck_f16_panel_avx2(size_t rows, size_t width, size_t columns, const float *x,
                                             size_t x_stride, const uint16_t *panel, size_t depth, float *y,
                                             size_t y_stride) {
  if (width == 16)
    ck_f16_panel_plain(rows, 16, columns, x, x_stride, panel, depth, y, y_stride);
  else
    ck_f16_panel_plain(rows, 32, columns, x, x_stride, panel, depth, y, y_stride);
}

CK_TARGET_AVX2 static void ck_f16_round_avx2(size_t count, const float *from, uint16_t *to) {
  size_t i = 0;
  for (; i + 8 <= count; i += 8)
    _mm_storeu_si128((__m128i *)(to + i), _mm256_cvtps_ph(_mm256_loadu_ps(from + i), _MM_FROUND_TO_NEAREST_INT));
  for (; i < count; i++) to[i] = nearest(from[i]);
}

/// 16 outputs' values of inputs k and k + 1.
CK_INLINE CK_TARGET_AVX512 void load_pair(const uint16_t *from, __m512 w[2]) {
  __m512i pairs = _mm512_loadu_si512(from);
  w[0] = _mm512_cvtph_ps(_mm512_cvtepi32_epi16(pairs));
  w[1] = _mm512_cvtph_ps(_mm512_cvtepi32_epi16(_mm512_srli_epi32(pairs, 16)));
}

/// What `tile` multiplies with: one panel as it is, or `depth` of its inputs as floats, `[input][width]`.
typedef struct {
  const uint16_t *halves;
  const float *floats;
  size_t depth;
} factor;

/// `rows` rows with a panel of 16 x `vectors` outputs, added to `y` where `adding`. `rows`, `vectors` and `is_wide`, which
/// says that the factor is floats, are constants wherever this is inlined.
CK_INLINE CK_TARGET_AVX512 void tile(int rows, int vectors, int is_wide, int adding, const __mmask16 mask[2],
                                     const float *x, size_t x_stride, factor w, float *y, size_t y_stride) {
  __m512 sums[12][2];
  CK_UNROLL for (int t = 0; t < rows; t++)
    CK_UNROLL for (int v = 0; v < vectors; v++)
      sums[t][v] = adding ? _mm512_maskz_loadu_ps(mask[v], y + (size_t)t * y_stride + 16 * v) : _mm512_setzero_ps();
  if (is_wide) {
    const float *from = w.floats;
    _Pragma("clang loop unroll(disable)") for (size_t k = 0; k < w.depth; k++, from += 16 * vectors) {
      CK_UNROLL for (int t = 0; t < rows; t++)
        CK_UNROLL for (int v = 0; v < vectors; v++)
          sums[t][v] = _mm512_fmadd_ps(_mm512_set1_ps(x[(size_t)t * x_stride + k]), _mm512_loadu_ps(from + 16 * v),
                                       sums[t][v]);
    }
  } else {
    const uint16_t *from = w.halves;
    _Pragma("clang loop unroll(disable)") for (size_t k = 0; k < w.depth; k += 2, from += 32 * vectors) {
      __m512 pair[2][2];
      CK_UNROLL for (int v = 0; v < vectors; v++) load_pair(from + 32 * v, pair[v]);
      CK_UNROLL for (int i = 0; i < 2; i++) {
        if (k + (size_t)i == w.depth) break;
        CK_UNROLL for (int t = 0; t < rows; t++)
          CK_UNROLL for (int v = 0; v < vectors; v++)
            sums[t][v] = _mm512_fmadd_ps(_mm512_set1_ps(x[(size_t)t * x_stride + k + (size_t)i]), pair[v][i], sums[t][v]);
      }
    }
  }
  CK_UNROLL for (int t = 0; t < rows; t++)
    CK_UNROLL for (int v = 0; v < vectors; v++)
      _mm512_mask_storeu_ps(y + (size_t)t * y_stride + 16 * v, mask[v], sums[t][v]);
}

/// A panel for all rows, in tiles of about one size.
CK_INLINE CK_TARGET_AVX512 void run(int vectors, int is_wide, int adding, const __mmask16 mask[2], size_t rows,
                                    const float *x, size_t x_stride, factor w, float *y, size_t y_stride) {
  size_t count = (rows + 11) / 12;
  for (size_t i = 0, row = 0; i < count; i++) {
    size_t take = (rows - row + count - i - 1) / (count - i);
    const float *from = x + row * x_stride;
    float *to = y + row * y_stride;
    switch (take) {
      case 1: tile(1, vectors, is_wide, adding, mask, from, x_stride, w, to, y_stride); break;
      case 2: tile(2, vectors, is_wide, adding, mask, from, x_stride, w, to, y_stride); break;
      case 3: tile(3, vectors, is_wide, adding, mask, from, x_stride, w, to, y_stride); break;
      case 4: tile(4, vectors, is_wide, adding, mask, from, x_stride, w, to, y_stride); break;
      case 5: tile(5, vectors, is_wide, adding, mask, from, x_stride, w, to, y_stride); break;
      case 6: tile(6, vectors, is_wide, adding, mask, from, x_stride, w, to, y_stride); break;
      case 7: tile(7, vectors, is_wide, adding, mask, from, x_stride, w, to, y_stride); break;
      case 8: tile(8, vectors, is_wide, adding, mask, from, x_stride, w, to, y_stride); break;
      case 9: tile(9, vectors, is_wide, adding, mask, from, x_stride, w, to, y_stride); break;
      case 10: tile(10, vectors, is_wide, adding, mask, from, x_stride, w, to, y_stride); break;
      case 11: tile(11, vectors, is_wide, adding, mask, from, x_stride, w, to, y_stride); break;
      default: tile(12, vectors, is_wide, adding, mask, from, x_stride, w, to, y_stride);
    }
    row += take;
  }
}

CK_INLINE CK_TARGET_AVX512 void panel_avx512(int vectors, size_t rows, size_t columns, const float *x,
                                             size_t x_stride, const uint16_t *panel, size_t depth, float *y,
                                             size_t y_stride) {
  const uint32_t all = columns >= 32 ? 0xffffffffu : (1u << columns) - 1;
  const __mmask16 mask[2] = {(__mmask16)all, (__mmask16)(all >> 16)};
  if (rows <= 12) {
    run(vectors, 0, 0, mask, rows, x, x_stride, (factor){panel, NULL, depth}, y, y_stride);
    return;
  }
  float floats[widened * panel_outputs];
  for (size_t first = 0; first < depth; first += widened) {
    size_t take = depth - first < widened ? depth - first : widened;
    for (size_t k = 0; k < take; k += 2) {
      for (int v = 0; v < vectors; v++) {
        __m512 pair[2];
        load_pair(panel + ((first + k) * (size_t)vectors + 2 * (size_t)v) * 16, pair);
        _mm512_storeu_ps(floats + (k * (size_t)vectors + (size_t)v) * 16, pair[0]);
        _mm512_storeu_ps(floats + ((k + 1) * (size_t)vectors + (size_t)v) * 16, pair[1]);
      }
    }
    run(vectors, 1, first > 0, mask, rows, x + first, x_stride, (factor){NULL, floats, take}, y, y_stride);
  }
}

CK_TARGET_AVX512 static void ck_f16_panel_avx512(size_t rows, size_t width, size_t columns, const float *x,
                                                 size_t x_stride, const uint16_t *panel, size_t depth, float *y,
                                                 size_t y_stride) {
  if (width == 16)
    panel_avx512(1, rows, columns, x, x_stride, panel, depth, y, y_stride);
  else
    panel_avx512(2, rows, columns, x, x_stride, panel, depth, y, y_stride);
}
#endif

void ck_f16_product(size_t rows, size_t width, size_t columns, const float *x, size_t x_stride, const uint16_t *panels,
                    size_t panel_stride, size_t depth, float *y, size_t y_stride) {
  ck_f16_panel *panel = ck_f16_panel_portable;
#if defined(__x86_64__)
  ck_variant variant = ck_current_variant();
  if (variant >= CK_AVX2) panel = ck_f16_panel_avx2;
  if (variant >= CK_AVX512) panel = ck_f16_panel_avx512;
#endif
  for (size_t first = 0; first < columns; first += width, panels += panel_stride) {
    size_t take = columns - first < width ? columns - first : width;
    panel(rows, width, take, x, x_stride, panels, depth, y + first, y_stride);
  }
}

void ck_f16_round(size_t count, const float *from, uint16_t *to) {
#if defined(__x86_64__)
  if (ck_current_variant() >= CK_AVX2) {
    ck_f16_round_avx2(count, from, to);
    return;
  }
#endif
  for (size_t i = 0; i < count; i++) to[i] = nearest(from[i]);
}
