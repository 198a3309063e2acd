#include "ck_bf16_variants.h"

#include <string.h>

#include "ck_math.h"
#include "ck_vector.h"

#if defined(__x86_64__)
#include <immintrin.h>
#endif

typedef void ck_bf16_tile(size_t columns, size_t terms, const ck_bf16_term *term, size_t row, const float *initial,
                          size_t initial_stride, float *y, size_t y_stride);

/// Runs the whole of `rows` in tiles of up to `most` rows; `tiles[r - 1]` takes r rows.
CK_INLINE void ck_bf16_run(size_t most, ck_bf16_tile *const *tiles, size_t rows, size_t columns, size_t terms,
                           const ck_bf16_term *term, const float *initial, size_t initial_stride, float *y,
                           size_t y_stride) {
  // Tiles of about one size: 13 rows are 7 and 6 rather than 12 and 1.
  size_t count = (rows + most - 1) / most;
  for (size_t tile = 0, row = 0; tile < count; tile++) {
    size_t take = (rows - row + count - tile - 1) / (count - tile);
    tiles[take - 1](columns, terms, term, row, initial ? initial + row * initial_stride : NULL, initial_stride,
                    y + row * y_stride, y_stride);
    row += take;
  }
}

/// Two inputs at a time, in plain C: one running sum an output, or two that take turns where a panel has 16 outputs, so that
/// one row need not wait for each addition. The order of additions within a pair is that of the processors' instruction:
/// the odd input first.
CK_INLINE void ck_bf16_tile_plain(size_t count, size_t width, size_t columns, size_t terms, const ck_bf16_term *term,
                                  size_t row, const float *initial, size_t initial_stride, float *y,
                                  size_t y_stride) {
  float sums[4][CK_BF16_PANEL] = {{0}};
  for (size_t s = 0; s < terms; s++) {
    const uint16_t *x = term[s].rows + row * term[s].stride, *w = term[s].panel;
    size_t stride = term[s].stride;
    for (size_t k = 0; k < term[s].depth; k += 2, w += 2 * width) {
      for (size_t t = 0; t < count; t++) {
        float first = ck_widened(x[t * stride + k]), second = ck_widened(x[t * stride + k + 1]);
        float *sum = sums[t] + (width == 16 ? k / 2 % 2 * 16 : 0);
        for (size_t o = 0; o < width; o++) {
          uint32_t pair;
          memcpy(&pair, w + 2 * o, 4);
          float low = ck_widened((uint16_t)pair), high = ck_widened((uint16_t)(pair >> 16));
          sum[o] = first * low + (second * high + sum[o]);
        }
      }
    }
  }
  for (size_t t = 0; t < count; t++) {
    for (size_t o = 0; o < columns; o++) {
      float sum = width == 16 ? sums[t][o] + sums[t][16 + o] : sums[t][o];
      y[t * y_stride + o] = (initial ? initial[t * initial_stride + o] : 0.0f) + sum;
    }
  }
}

#define CK_BF16_PLAIN_TILE(name, target, count, width)                                                      \
  target static void name##_##width##_##count(size_t columns, size_t terms, const ck_bf16_term *term,       \
                                              size_t row, const float *initial, size_t initial_stride,       \
                                              float *y, size_t y_stride) {                                   \
    ck_bf16_tile_plain(count, width, columns, terms, term, row, initial, initial_stride, y, y_stride);       \
  }
#define CK_BF16_PLAIN_TILES(name, target)                                                                  \
  CK_BF16_PLAIN_TILE(name, target, 1, 16)                                                                  \
  CK_BF16_PLAIN_TILE(name, target, 2, 16)                                                                  \
  CK_BF16_PLAIN_TILE(name, target, 1, 32)                                                                  \
  CK_BF16_PLAIN_TILE(name, target, 2, 32)                                                                  \
  static ck_bf16_tile *const name[2][2] = {{name##_16_1, name##_16_2}, {name##_32_1, name##_32_2}};

CK_BF16_PLAIN_TILES(ck_bf16_portable, )

#if defined(__x86_64__)
CK_BF16_PLAIN_TILES(ck_bf16_avx2, CK_TARGET_AVX2)

/// A pair of inputs, with `vectors` x 16 outputs, into the sums from `first` on.
#define CK_BF16_WIDE_STEP(count, first, vectors, prepare, fused)                                             \
  {                                                                                                          \
    __m512i pairs[vectors];                                                                                  \
    _Pragma("clang loop unroll(full)") for (int v = 0; v < vectors; v++, w += 32)                            \
        pairs[v] = _mm512_loadu_si512(w);                                                                    \
    prepare(vectors)                                                                                         \
    _Pragma("clang loop unroll(full)") for (int t = 0; t < count; t++) {                                     \
      __m512 *sum = sums[t] + first;                                                                         \
      int32_t pair;                                                                                          \
      memcpy(&pair, x + (size_t)t * stride + k, 4);                                                          \
      __m512i both = _mm512_set1_epi32(pair);                                                                \
      fused(vectors)                                                                                         \
    }                                                                                                        \
    k += 2;                                                                                                  \
  }

/// Up to 8 rows by 16 outputs with two sums each, or 12 rows by 32, all in registers.
/// `fused` adds the products of pairs to the sums of row t.
#define CK_BF16_WIDE_BODY(count, width, prepare, fused)                                                      \
  __m512 sums[count][2];                                                                                     \
  _Pragma("clang loop unroll(full)") for (int t = 0; t < count; t++)                                         \
      _Pragma("clang loop unroll(full)") for (int v = 0; v < 2; v++) sums[t][v] = _mm512_setzero_ps();       \
  for (size_t s = 0; s < terms; s++) {                                                                       \
    const size_t stride = term[s].stride, depth = term[s].depth;                                             \
    const uint16_t *x = term[s].rows + row * stride, *w = term[s].panel;                                     \
    size_t k = 0;                                                                                            \
    if (width == 16) {                                                                                       \
      _Pragma("clang loop unroll(disable)") while (k + 4 <= depth) {                                         \
        CK_BF16_WIDE_STEP(count, 0, 1, prepare, fused)                                                       \
        CK_BF16_WIDE_STEP(count, 1, 1, prepare, fused)                                                       \
      }                                                                                                      \
      if (k < depth) CK_BF16_WIDE_STEP(count, 0, 1, prepare, fused)                                          \
    } else {                                                                                                 \
      _Pragma("clang loop unroll(disable)") while (k < depth)                                                \
          CK_BF16_WIDE_STEP(count, 0, 2, prepare, fused)                                                     \
    }                                                                                                        \
  }                                                                                                          \
  if (width == 16) _Pragma("clang loop unroll(full)") for (int t = 0; t < count; t++) sums[t][0] =           \
      _mm512_add_ps(sums[t][0], sums[t][1]);                                                                 \
  _Pragma("clang loop unroll(full)") for (int v = 0; v < width / 16; v++) {                                  \
    size_t left = columns > 16 * (size_t)v ? columns - 16 * (size_t)v : 0;                                   \
    __mmask16 mask = (__mmask16)(left >= 16 ? 0xFFFF : (1u << left) - 1);                                    \
    _Pragma("clang loop unroll(full)") for (int t = 0; t < count; t++) {                                     \
      if (initial)                                                                                           \
        sums[t][v] = _mm512_add_ps(                                                                          \
            _mm512_maskz_loadu_ps(mask, initial + (size_t)t * initial_stride + 16 * v), sums[t][v]);         \
      _mm512_mask_storeu_ps(y + (size_t)t * y_stride + 16 * v, mask, sums[t][v]);                            \
    }                                                                                                        \
  }

/// Without the instruction: each half of the pairs is a float once it stands in the upper bits.
#define CK_BF16_SPLIT(vectors)                                                                               \
  const __m512i upper = _mm512_set1_epi32((int)0xFFFF0000);                                                  \
  __m512 lower_w[vectors], upper_w[vectors];                                                                 \
  _Pragma("clang loop unroll(full)") for (int v = 0; v < vectors; v++) {                                     \
    lower_w[v] = _mm512_castsi512_ps(_mm512_slli_epi32(pairs[v], 16));                                       \
    upper_w[v] = _mm512_castsi512_ps(_mm512_and_si512(pairs[v], upper));                                     \
  }
#define CK_BF16_SPLIT_FUSED(vectors)                                                                         \
  __m512 even = _mm512_castsi512_ps(_mm512_slli_epi32(both, 16));                                            \
  __m512 odd = _mm512_castsi512_ps(_mm512_and_si512(both, upper));                                           \
  _Pragma("clang loop unroll(full)") for (int v = 0; v < vectors; v++) sum[v] =                              \
      _mm512_fmadd_ps(even, lower_w[v], _mm512_fmadd_ps(odd, upper_w[v], sum[v]));
#define CK_BF16_NOTHING(vectors)
#define CK_BF16_DOT_FUSED(vectors)                                                                           \
  _Pragma("clang loop unroll(full)") for (int v = 0; v < vectors; v++) sum[v] =                              \
      _mm512_dpbf16_ps(sum[v], (__m512bh)both, (__m512bh)pairs[v]);

#define CK_BF16_WIDE_TILE(name, target, width, count, prepare, fused)                                        \
  target static void name##_##width##_##count(size_t columns, size_t terms, const ck_bf16_term *term,        \
                                              size_t row, const float *initial, size_t initial_stride,       \
                                              float *y, size_t y_stride) {                                   \
    CK_BF16_WIDE_BODY(count, width, prepare, fused)                                                          \
  }
#define CK_BF16_WIDE_TILES(name, target, prepare, fused)                                                     \
  CK_BF16_WIDE_TILE(name, target, 16, 1, prepare, fused)                                                     \
  CK_BF16_WIDE_TILE(name, target, 16, 2, prepare, fused)                                                     \
  CK_BF16_WIDE_TILE(name, target, 16, 3, prepare, fused)                                                     \
  CK_BF16_WIDE_TILE(name, target, 16, 4, prepare, fused)                                                     \
  CK_BF16_WIDE_TILE(name, target, 16, 5, prepare, fused)                                                     \
  CK_BF16_WIDE_TILE(name, target, 16, 6, prepare, fused)                                                     \
  CK_BF16_WIDE_TILE(name, target, 16, 7, prepare, fused)                                                     \
  CK_BF16_WIDE_TILE(name, target, 16, 8, prepare, fused)                                                     \
  CK_BF16_WIDE_TILE(name, target, 32, 1, prepare, fused)                                                     \
  CK_BF16_WIDE_TILE(name, target, 32, 2, prepare, fused)                                                     \
  CK_BF16_WIDE_TILE(name, target, 32, 3, prepare, fused)                                                     \
  CK_BF16_WIDE_TILE(name, target, 32, 4, prepare, fused)                                                     \
  CK_BF16_WIDE_TILE(name, target, 32, 5, prepare, fused)                                                     \
  CK_BF16_WIDE_TILE(name, target, 32, 6, prepare, fused)                                                     \
  CK_BF16_WIDE_TILE(name, target, 32, 7, prepare, fused)                                                     \
  CK_BF16_WIDE_TILE(name, target, 32, 8, prepare, fused)                                                     \
  CK_BF16_WIDE_TILE(name, target, 32, 9, prepare, fused)                                                     \
  CK_BF16_WIDE_TILE(name, target, 32, 10, prepare, fused)                                                    \
  CK_BF16_WIDE_TILE(name, target, 32, 11, prepare, fused)                                                    \
  CK_BF16_WIDE_TILE(name, target, 32, 12, prepare, fused)                                                    \
  static ck_bf16_tile *const name[2][12] = {                                                                 \
      {name##_16_1, name##_16_2, name##_16_3, name##_16_4, name##_16_5, name##_16_6, name##_16_7, name##_16_8},\
      {name##_32_1, name##_32_2, name##_32_3, name##_32_4, name##_32_5, name##_32_6, name##_32_7, name##_32_8,\
       name##_32_9, name##_32_10, name##_32_11, name##_32_12}};

CK_BF16_WIDE_TILES(ck_bf16_avx512, CK_TARGET_AVX512, CK_BF16_SPLIT, CK_BF16_SPLIT_FUSED)
CK_BF16_WIDE_TILES(ck_bf16_dot, CK_TARGET_AVX512_BF16, CK_BF16_NOTHING, CK_BF16_DOT_FUSED)
#endif

/// The tiles of the variant in use, by width, and the most rows of one.
static ck_bf16_tile *const *ck_bf16_tiles(size_t wide, size_t *most) {
#if defined(__x86_64__)
  ck_variant variant = ck_current_variant();
  *most = wide ? 12 : 8;
  if (variant >= CK_AVX512_BF16) return ck_bf16_dot[wide];
  if (variant >= CK_AVX512) return ck_bf16_avx512[wide];
  *most = 2;
  if (variant == CK_AVX2) return ck_bf16_avx2[wide];
#endif
  *most = 2;
  return ck_bf16_portable[wide];
}

void ck_bf16_product(size_t rows, size_t width, size_t columns, size_t terms, const ck_bf16_term *term,
                     const float *initial, size_t initial_stride, float *y, size_t y_stride) {
#if defined(__x86_64__)
  if (ck_current_variant() >= CK_AMX)
    return ck_bf16_product_amx(rows, width, columns, terms, term, initial, initial_stride, y, y_stride);
#endif
  size_t most;
  ck_bf16_tile *const *tiles = ck_bf16_tiles(width > 16, &most);
  ck_bf16_term now[2];
  for (size_t s = 0; s < terms; s++) now[s] = term[s];
  for (size_t first = 0; first < columns; first += width) {
    size_t take = columns - first < width ? columns - first : width;
    ck_bf16_run(most, tiles, rows, take, terms, now, initial ? initial + first : NULL, initial_stride, y + first,
                y_stride);
    for (size_t s = 0; s < terms; s++) now[s].panel += now[s].panel_stride;
  }
}

void ck_bf16_product_narrow(size_t rows, size_t width, size_t columns, const ck_bf16_term *term, float scale,
                            uint16_t *to, size_t to_stride) {
  enum { most = 24 };
  float sums[most * CK_BF16_PANEL];
  ck_bf16_term now = *term;
  for (size_t first = 0; first < columns; first += width, now.panel += now.panel_stride) {
    const size_t take = columns - first < width ? columns - first : width;
    const size_t end = first + take < columns ? first + take : to_stride;
    for (size_t row = 0; row < rows; row += most) {
      const size_t count = rows - row < most ? rows - row : most;
      ck_bf16_term part = now;
      part.rows += row * part.stride;
      ck_bf16_product(count, width, take, 1, &part, NULL, 0, sums, take);
      if (scale != 1) ck_scale(count * take, scale, sums);
      for (size_t r = 0; r < count; r++)
        ck_bf16_rows(1, take, sums + r * take, take, to + (row + r) * to_stride + first, end - first);
    }
  }
}
