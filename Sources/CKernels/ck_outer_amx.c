// Sums of outer products in matrix registers.
//
// A tile's left factor wants its rows' values side by side, its right one those of two neighbouring rows: the thinner of the two
// matrices is turned round for the former, the wider one only interleaved.
#include "ck_outer_variants.h"

#if defined(__x86_64__)
#include "ck_tiles.h"
#include "ck_transpose.h"

enum {
  step = 32,  ///< Rows that an instruction sums over.
  chunk = 8,  ///< Steps whose rows stand rearranged at a time.
  group = 4   ///< Tiles of either matrix that do.
};

/// 32 rows of 16 columns: `[row / 2][column][row % 2]`, or turned round `[column][row]`.
typedef uint16_t tile_of_rows[CK_TILE_SIDE][step];

/// Rows 2t and 2t + 1 of up to 32 rows of up to 16 columns, filled up with zeros.
CK_INLINE CK_TARGET_AMX ck_words interleaved(int is_whole, size_t rows, __mmask16 columns, const uint16_t *from,
                                             size_t stride, size_t t) {
  const __m512i order = _mm512_set_epi16(31, 15, 30, 14, 29, 13, 28, 12, 27, 11, 26, 10, 25, 9, 24, 8, 23, 7, 22, 6, 21, 5,
                                         20, 4, 19, 3, 18, 2, 17, 1, 16, 0);
  const uint16_t *even = from + 2 * t * stride, *odd = even + stride;
  __m256i first, second;
  if (is_whole) {
    first = _mm256_loadu_si256((const __m256i *)even), second = _mm256_loadu_si256((const __m256i *)odd);
  } else {
    first = _mm256_maskz_loadu_epi16(2 * t < rows ? columns : 0, even);
    second = _mm256_maskz_loadu_epi16(2 * t + 1 < rows ? columns : 0, odd);
  }
  return _mm512_permutexvar_epi16(order, _mm512_inserti64x4(_mm512_castsi256_si512(first), second, 1));
}

/// They all, turned round or not.
CK_INLINE CK_TARGET_AMX void convert(int is_turned, int is_whole, size_t rows, size_t columns, const uint16_t *from,
                                     size_t stride, tile_of_rows to) {
  const __mmask16 mask = ck_first_lanes(columns);
  ck_words words[step / 2];
  _Pragma("clang loop unroll(full)") for (size_t t = 0; t < step / 2; t++) {
    words[t] = interleaved(is_whole, rows, mask, from, stride, t);
    if (!is_turned) _mm512_store_si512(to[t], words[t]);
  }
  if (!is_turned) return;
  ck_transpose_words(words);
  _Pragma("clang loop unroll(full)") for (size_t t = 0; t < step / 2; t++) _mm512_store_si512(to[t], words[t]);
}

/// `count` rows in `steps` steps.
CK_INLINE CK_TARGET_AMX void convert_steps(int is_turned, size_t steps, size_t count, size_t columns, const uint16_t *from,
                                           size_t stride, tile_of_rows *to) {
  for (size_t s = 0; s < steps; s++, from += step * stride) {
    const size_t rows = count - s * step;
    if (rows >= step && columns >= CK_TILE_SIDE) {
      convert(is_turned, 1, rows, columns, from, stride, to[s]);
    } else {
      convert(is_turned, 0, rows, columns, from, stride, to[s]);
    }
  }
}

/// Adds up to 16 of `rows` by up to 16 of `columns` sums to `c`, turned round first where `is_turned`.
CK_INLINE CK_TARGET_AMX void add(int is_turned, size_t rows, size_t columns,
                                 const float sums[CK_TILE_SIDE][CK_TILE_SIDE], float *c, size_t stride) {
  const __mmask16 mask = ck_first_lanes(columns);
  ck_words words[CK_TILE_SIDE];
  _Pragma("clang loop unroll(full)") for (int r = 0; r < CK_TILE_SIDE; r++) words[r] = _mm512_load_si512(sums[r]);
  if (is_turned) ck_transpose_words(words);
  for (size_t r = 0; r < CK_TILE_SIDE && r < rows; r++) {
    float *to = c + r * stride;
    _mm512_mask_storeu_ps(to, mask, _mm512_add_ps(_mm512_maskz_loadu_ps(mask, to), _mm512_castsi512_ps(words[r])));
  }
}

/// The sums of `steps` steps for one tile of the thin matrix and `group` of the wide one.
CK_INLINE CK_TARGET_AMX void multiply(size_t steps, const tile_of_rows *thin, tile_of_rows (*wide)[chunk],
                                      float sums[group][CK_TILE_SIDE][CK_TILE_SIDE]) {
  _tile_zero(0), _tile_zero(1), _tile_zero(2), _tile_zero(3);
  for (size_t s = 0; s < steps; s++) {
    _tile_loadd(ck_left_above, thin[s], 64);
    _tile_loadd(ck_right, wide[0][s], 64);
    _tile_dpbf16ps(0, ck_left_above, ck_right);
    _tile_loadd(ck_right_second, wide[1][s], 64);
    _tile_dpbf16ps(1, ck_left_above, ck_right_second);
    _tile_loadd(ck_right, wide[2][s], 64);
    _tile_dpbf16ps(2, ck_left_above, ck_right);
    _tile_loadd(ck_right_second, wide[3][s], 64);
    _tile_dpbf16ps(3, ck_left_above, ck_right_second);
  }
  _tile_stored(0, sums[0], 64), _tile_stored(1, sums[1], 64), _tile_stored(2, sums[2], 64), _tile_stored(3, sums[3], 64);
}

CK_TARGET_AMX void ck_outer_amx(size_t rows, size_t left, size_t right, const uint16_t *p, size_t p_stride,
                                const uint16_t *q, size_t q_stride, float *c, size_t c_stride, int accumulate) {
  _Alignas(64) tile_of_rows thin[group][chunk], wide[group][chunk];
  _Alignas(64) float sums[group][CK_TILE_SIDE][CK_TILE_SIDE];
  const int is_turned = left > right;
  const uint16_t *a = is_turned ? q : p, *b = is_turned ? p : q;
  const size_t a_stride = is_turned ? q_stride : p_stride, b_stride = is_turned ? p_stride : q_stride;
  const size_t thin_columns = is_turned ? right : left, wide_columns = is_turned ? left : right;
  if (!accumulate) ck_clear_sums(left, right, c, c_stride);
  memset(wide, 0, sizeof wide);  // the tiles beyond the last column
  ck_tiles_shape(CK_TILE_SIDE, CK_TILE_SIDE);
  for (size_t first = 0; first < rows; first += chunk * step) {
    const size_t count = ck_least(rows - first, chunk * step), steps = (count + step - 1) / step;
    for (size_t m = 0; m < thin_columns; m += group * CK_TILE_SIDE) {
      const size_t down = ck_least(thin_columns - m, group * CK_TILE_SIDE);
      for (size_t i = 0; i < down; i += CK_TILE_SIDE)
        convert_steps(1, steps, count, down - i, a + first * a_stride + m + i, a_stride, thin[i / CK_TILE_SIDE]);
      for (size_t n = 0; n < wide_columns; n += group * CK_TILE_SIDE) {
        const size_t across = ck_least(wide_columns - n, group * CK_TILE_SIDE);
        for (size_t j = 0; j < across; j += CK_TILE_SIDE)
          convert_steps(0, steps, count, across - j, b + first * b_stride + n + j, b_stride, wide[j / CK_TILE_SIDE]);
        for (size_t i = 0; i < down; i += CK_TILE_SIDE) {
          multiply(steps, thin[i / CK_TILE_SIDE], wide, sums);
          for (size_t j = 0; j < across; j += CK_TILE_SIDE) {
            const float(*own)[CK_TILE_SIDE] = sums[j / CK_TILE_SIDE];
            if (is_turned) {
              add(1, across - j, down - i, own, c + (n + j) * c_stride + m + i, c_stride);
            } else {
              add(0, down - i, across - j, own, c + (m + i) * c_stride + n + j, c_stride);
            }
          }
        }
      }
    }
  }
  _tile_release();
}
#endif
