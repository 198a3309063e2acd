// The bf16 product in matrix registers: 32 rows by 32 outputs, of a panel as it lies.
//
// An instruction adds 32 inputs' products to a sum: those of the even inputs in their order, those of the odd ones, and
// then both.
#include "ck_bf16_variants.h"

#if defined(__x86_64__)
#include <string.h>

#include "ck_tiles.h"

enum {
  step = 32,  ///< Inputs of an instruction.
  few = 4     ///< Rows that are multiplied without matrix registers.
};

/// The last inputs of a term where they are fewer than a step's, filled up with zeros.
typedef struct {
  _Alignas(64) uint16_t rows[2 * CK_TILE_SIDE][step];
  uint16_t panel[step * CK_BF16_PANEL];
} rest_of_term;

/// Adds an instruction's inputs to the sums of 32 rows and 32 outputs; of up to 16 rows where not `is_tall`, of 16 outputs
/// where not `is_wide`.
CK_INLINE CK_TARGET_AMX void add_step(int is_tall, int is_wide, const uint16_t *x, size_t stride, const uint16_t *w) {
  const size_t pair_bytes = is_wide ? 128 : 64;
  _tile_loadd(ck_right, w, pair_bytes);
  _tile_loadd(ck_left_above, x, 2 * stride);
  _tile_dpbf16ps(ck_sums_above, ck_left_above, ck_right);
  if (is_wide) {
    _tile_loadd(ck_right_second, w + 32, pair_bytes);
    _tile_dpbf16ps(ck_sums_above_right, ck_left_above, ck_right_second);
  }
  if (is_tall) {
    _tile_loadd(ck_left_below, x + CK_TILE_SIDE * stride, 2 * stride);
    _tile_dpbf16ps(ck_sums_below, ck_left_below, ck_right);
    if (is_wide) _tile_dpbf16ps(ck_sums_below_right, ck_left_below, ck_right_second);
  }
}

CK_INLINE CK_TARGET_AMX void clear_sums(int is_tall, int is_wide) {
  _tile_zero(ck_sums_above);
  if (is_wide) _tile_zero(ck_sums_above_right);
  if (is_tall) _tile_zero(ck_sums_below);
  if (is_tall && is_wide) _tile_zero(ck_sums_below_right);
}

CK_INLINE CK_TARGET_AMX void load_sums(int is_tall, int is_wide, const float *from, size_t stride) {
  _tile_loadd(ck_sums_above, from, 4 * stride);
  if (is_wide) _tile_loadd(ck_sums_above_right, from + 16, 4 * stride);
  if (is_tall) _tile_loadd(ck_sums_below, from + CK_TILE_SIDE * stride, 4 * stride);
  if (is_tall && is_wide) _tile_loadd(ck_sums_below_right, from + CK_TILE_SIDE * stride + 16, 4 * stride);
}

CK_INLINE CK_TARGET_AMX void store_sums(int is_tall, int is_wide, float *to, size_t stride) {
  _tile_stored(ck_sums_above, to, 4 * stride);
  if (is_wide) _tile_stored(ck_sums_above_right, to + 16, 4 * stride);
  if (is_tall) _tile_stored(ck_sums_below, to + CK_TILE_SIDE * stride, 4 * stride);
  if (is_tall && is_wide) _tile_stored(ck_sums_below_right, to + CK_TILE_SIDE * stride + 16, 4 * stride);
}

/// One panel's product for up to 32 rows, from `row` on. What stands beyond the last column of its sums is nobody's.
CK_INLINE CK_TARGET_AMX void tile(int is_tall, int is_wide, size_t rows, size_t columns, size_t terms,
                                  const ck_bf16_term *term, size_t row, const float *initial, size_t initial_stride,
                                  float *y, size_t y_stride) {
  const size_t width = is_wide ? 32 : 16;
  float part[2 * CK_TILE_SIDE * CK_BF16_PANEL];
  const int is_whole = columns == width;
  if (!initial) {
    clear_sums(is_tall, is_wide);
  } else if (is_whole) {
    load_sums(is_tall, is_wide, initial, initial_stride);
  } else {
    for (size_t r = 0; r < rows; r++) memcpy(part + r * width, initial + r * initial_stride, columns * 4);
    load_sums(is_tall, is_wide, part, width);
  }
  for (size_t s = 0; s < terms; s++) {
    const uint16_t *x = term[s].rows + row * term[s].stride, *w = term[s].panel;
    const size_t stride = term[s].stride, rest = term[s].depth % step;
#pragma clang loop unroll(disable)
    for (size_t k = 0; k + step <= term[s].depth; k += step, x += step, w += step * width)
      add_step(is_tall, is_wide, x, stride, w);
    if (rest == 0) continue;
    rest_of_term last;
    const __mmask32 mask = (1u << rest) - 1;
    for (size_t r = 0; r < rows; r++) _mm512_store_si512(last.rows[r], _mm512_maskz_loadu_epi16(mask, x + r * stride));
    for (size_t i = 0; i < step * width; i += 32)
      _mm512_storeu_si512(last.panel + i, i < rest * width ? _mm512_loadu_si512(w + i) : _mm512_setzero_si512());
    add_step(is_tall, is_wide, last.rows[0], step, last.panel);
  }
  if (is_whole) return store_sums(is_tall, is_wide, y, y_stride);
  store_sums(is_tall, is_wide, part, width);
  for (size_t r = 0; r < rows; r++) memcpy(y + r * y_stride, part + r * width, columns * 4);
}

/// The same sums without matrix registers, bit by bit: shaping and filling those for a row or two takes longer.
CK_INLINE CK_TARGET_AMX void few_rows(int rows, int vectors, size_t columns, size_t terms, const ck_bf16_term *term,
                                      const float *initial, size_t initial_stride, float *y, size_t y_stride) {
  const __m512i upper = _mm512_set1_epi32((int)0xFFFF0000);
  __m512 sums[few][2];
  __mmask16 mask[2];
  CK_UNROLL for (int v = 0; v < vectors; v++) {
    mask[v] = ck_first_lanes(columns > 16 * (size_t)v ? columns - 16 * (size_t)v : 0);
    CK_UNROLL for (int r = 0; r < rows; r++) sums[r][v] =
        initial ? _mm512_maskz_loadu_ps(mask[v], initial + r * initial_stride + 16 * v) : _mm512_setzero_ps();
  }
  for (size_t s = 0; s < terms; s++) {
    const uint16_t *x = term[s].rows, *w = term[s].panel;
    const size_t stride = term[s].stride, depth = term[s].depth;
    for (size_t k = 0; k < depth;) {
      const size_t end = depth - k < step ? depth : k + step;
      __m512 even[few][2], odd[few][2];
      CK_UNROLL for (int r = 0; r < rows; r++) CK_UNROLL for (int v = 0; v < vectors; v++) even[r][v] = odd[r][v] =
          _mm512_setzero_ps();
#pragma clang loop unroll(disable)
      for (; k < end; k += 2, w += 32 * vectors) {
        __m512 low[2], high[2];
        CK_UNROLL for (int v = 0; v < vectors; v++) {
          const __m512i pairs = _mm512_loadu_si512(w + 32 * v);
          low[v] = _mm512_castsi512_ps(_mm512_slli_epi32(pairs, 16));
          high[v] = _mm512_castsi512_ps(_mm512_and_si512(pairs, upper));
        }
        CK_UNROLL for (int r = 0; r < rows; r++) {
          uint32_t pair;
          memcpy(&pair, x + (size_t)r * stride + k, 4);
          const __m512 first = _mm512_castsi512_ps(_mm512_set1_epi32((int)(pair << 16)));
          const __m512 second = _mm512_castsi512_ps(_mm512_set1_epi32((int)(pair & 0xFFFF0000)));
          CK_UNROLL for (int v = 0; v < vectors; v++) {
            even[r][v] = _mm512_fmadd_ps(first, low[v], even[r][v]);
            odd[r][v] = _mm512_fmadd_ps(second, high[v], odd[r][v]);
          }
        }
      }
      CK_UNROLL for (int r = 0; r < rows; r++) CK_UNROLL for (int v = 0; v < vectors; v++) sums[r][v] =
          _mm512_add_ps(sums[r][v], _mm512_add_ps(even[r][v], odd[r][v]));
    }
  }
  CK_UNROLL for (int r = 0; r < rows; r++) CK_UNROLL for (int v = 0; v < vectors; v++)
      _mm512_mask_storeu_ps(y + r * y_stride + 16 * v, mask[v], sums[r][v]);
}

/// Not inlined, so that nothing of it moves out of where denormal numbers count as zero.
__attribute__((noinline)) CK_TARGET_AMX static void few_rows_of_panels(size_t rows, size_t width, size_t columns,
                                                                       size_t terms, const ck_bf16_term *term,
                                                                       const float *initial, size_t initial_stride,
                                                                       float *y, size_t y_stride) {
  ck_bf16_term now[2];
  for (size_t s = 0; s < terms; s++) now[s] = term[s];
  for (size_t first = 0; first < columns; first += width) {
    const size_t wide = columns - first < width ? columns - first : width;
    const float *from = initial ? initial + first : NULL;
#define FEW_ROWS(rows)                                                                          \
  case rows:                                                                                    \
    if (width > 16) few_rows(rows, 2, wide, terms, now, from, initial_stride, y + first, y_stride); \
    else few_rows(rows, 1, wide, terms, now, from, initial_stride, y + first, y_stride);        \
    break;
    switch (rows) {
      FEW_ROWS(1)
      FEW_ROWS(2)
      FEW_ROWS(3)
      FEW_ROWS(4)
    }
    for (size_t s = 0; s < terms; s++) now[s].panel += now[s].panel_stride;
  }
}

CK_TARGET_AMX void ck_bf16_product_amx(size_t rows, size_t width, size_t columns, size_t terms,
                                       const ck_bf16_term *term, const float *initial, size_t initial_stride, float *y,
                                       size_t y_stride) {
  if (rows <= (term->depth > 2 * step ? 1 : few)) {
    // As matrix registers have it: what is below the least normal float counts as zero.
    const unsigned usual = _mm_getcsr();
    _mm_setcsr(usual | _MM_FLUSH_ZERO_ON | _MM_DENORMALS_ZERO_ON);
    few_rows_of_panels(rows, width, columns, terms, term, initial, initial_stride, y, y_stride);
    _mm_setcsr(usual);
    return;
  }
  const size_t most = 2 * CK_TILE_SIDE, last = rows / most * most;
  for (size_t row = 0, shaped = 0; row < rows; row += most) {
    const size_t take = row < last ? most : rows - last;
    if (shaped != take) {
      const size_t above = take < CK_TILE_SIDE ? take : CK_TILE_SIDE;
      ck_tiles_shape(above, take - above);
      shaped = take;
    }
    ck_bf16_term now[2];
    for (size_t s = 0; s < terms; s++) now[s] = term[s];
    for (size_t first = 0; first < columns; first += width) {
      const size_t wide = columns - first < width ? columns - first : width;
      const float *from = initial ? initial + row * initial_stride + first : NULL;
      float *to = y + row * y_stride + first;
#define TILE(is_tall, is_wide) \
  tile(is_tall, is_wide, take, wide, terms, now, row, from, initial_stride, to, y_stride)
      if (take > CK_TILE_SIDE) {
        if (width > 16) TILE(1, 1); else TILE(1, 0);
      } else {
        if (width > 16) TILE(0, 1); else TILE(0, 0);
      }
      for (size_t s = 0; s < terms; s++) now[s].panel += now[s].panel_stride;
    }
  }
  _tile_release();
}
#endif
