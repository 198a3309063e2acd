// The block product for x86 without `vpdpbusd`, included once for each width of vector.
//
// `vpmaddubsw` adds two products in 16 bits and saturates, which bytes up to 255 would reach. So the halves of a byte
// are multiplied apart: 16 products of at most 15 x 128 fit in 16 bits, a whole block of 32 without widening. For
// 4-bit weights the halves are two outputs; for 8-bit ones they are joined at the end of the block. Of 5 or 6 bits, 8 or 4
// products fit.
//
// The including file defines WIDE_TARGET, WIDE_OUTPUTS (of a vector: 8 or 16), the types wide_int and wide_float,
// `load_halves`, and WIDE(operation), the intrinsic's name, WIDE_LOAD, WIDE_AND, WIDE_ZERO.


#include "ck_blocks_variants.h"

enum { tile_rows = 4 };  // of 8 bits; half as many of 16

typedef float tile_totals[tile_rows][CK_BLOCK_SIDE];

/// Adds the block's sums, for scale `number`, of the outputs from `first` on to each row's totals.
CK_INLINE WIDE_TARGET void add_dots(int rows, ck_block_format format, const ck_block_job *job, size_t b, int number,
                                    const uint8_t *block, int first, const wide_int dots[tile_rows],
                                    tile_totals totals) {
  const size_t input = (size_t)(number * (CK_BLOCK_SIDE / 2));
  wide_float d = load_halves(ck_block_scales_at(format, block, input) + 2 * first);
  CK_UNROLL for (int r = 0; r < rows; r++) {
    const ck_block_facts facts = job->x.facts[(size_t)r * job->x.stride + b];
    int32_t offset = ck_block_sum_at(format, facts, number) * ck_block_offset(format);
    wide_int dot = WIDE(sub_epi32)(dots[r], WIDE(set1_epi32)(offset));
    wide_float total = WIDE(loadu_ps)(&totals[r][first]);
    total = WIDE(fmadd_ps)(WIDE(mul_ps)(WIDE(set1_ps)(facts.scale), d), WIDE(cvtepi32_ps)(dot), total);
    if (ck_block_has_minima(format)) {
      wide_float m = load_halves(ck_block_minima_at(format, block) + 2 * first);
      total = WIDE(fmadd_ps)(WIDE(set1_ps)(facts.scaled_sum), m, total);
    }
    WIDE(storeu_ps)(&totals[r][first], total);
  }
}

/// Adds to `w` the bits above its low four, of inputs 4k...4k+3 and the outputs from `first` on in half `half` of the panel.
CK_INLINE WIDE_TARGET wide_int with_upper_bits(ck_block_format format, const uint8_t *block, int k, int half, int first,
                                               wide_int w) {
  const int upper = ck_block_upper_bits(format);
  if (upper == 0) return w;
  int bit;
  wide_int bits = WIDE_LOAD(ck_block_high_bits(format, block, (size_t)k, &bit) + 64 * half + 4 * first);
  bits = WIDE_AND(WIDE(srl_epi16)(bits, _mm_cvtsi32_si128(bit)), WIDE(set1_epi8)((char)((1 << upper) - 1)));
  return WIDE(add_epi8)(w, WIDE(slli_epi16)(bits, 4));
}

/// The high bytes' sums joined with the low ones', for each row.
CK_INLINE WIDE_TARGET void join(int rows, wide_int dots[tile_rows]) {
  CK_UNROLL for (int r = 0; r < rows; r++)
    dots[r] = WIDE(add_epi32)(WIDE(slli_epi32)(dots[2 * r], 8), dots[2 * r + 1]);
}

/// Inputs, in fours, whose products 16 bits hold.
CK_INLINE int fitting(ck_block_format format) { return 8 >> ck_block_upper_bits(format); }

/// Adds `fitting` fours' products, from four `first` on, to the sums of `count` rows of bytes: those with the low halves of the
/// group's bytes to `low`, with the high ones to `high`.
CK_INLINE WIDE_TARGET void add_run(int count, ck_block_format format, const uint8_t *block, const int8_t *x,
                                   size_t width, int group, int first, wide_int low[tile_rows],
                                   wide_int high[tile_rows]) {
  const wide_int low_bits = WIDE(set1_epi8)(15), ones = WIDE(set1_epi16)(1), sixteens = WIDE(set1_epi16)(16);
  wide_int low_run[tile_rows], high_run[tile_rows];
  CK_UNROLL for (int r = 0; r < count; r++) low_run[r] = high_run[r] = WIDE_ZERO;
  // Unrolled, this loop would keep the activations of all k, in memory.
#pragma clang loop unroll(disable)
  for (int k = first; k < first + fitting(format); k++) {
    const uint8_t *at = format == CK_BLOCKS_8 ? block + 128 * k : ck_block_low_bits(format, block, (size_t)k);
    wide_int w = WIDE_LOAD(at + 4 * WIDE_OUTPUTS * group);
    wide_int w_low = WIDE_AND(w, low_bits), w_high = WIDE_AND(WIDE(srli_epi16)(w, 4), low_bits);
    w_low = with_upper_bits(format, block, k, 0, WIDE_OUTPUTS * group, w_low);
    w_high = with_upper_bits(format, block, k, 1, WIDE_OUTPUTS * group, w_high);
    CK_UNROLL for (int r = 0; r < count; r++) {
      int32_t four;
      memcpy(&four, x + (size_t)r * width + 4 * k, 4);
      wide_int v = WIDE(set1_epi32)(four);
      low_run[r] = WIDE(add_epi16)(low_run[r], WIDE(maddubs_epi16)(w_low, v));
      high_run[r] = WIDE(add_epi16)(high_run[r], WIDE(maddubs_epi16)(w_high, v));
    }
  }
  CK_UNROLL for (int r = 0; r < count; r++) {
    low[r] = WIDE(add_epi32)(low[r], WIDE(madd_epi16)(low_run[r], ones));
    high[r] = WIDE(add_epi32)(high[r], WIDE(madd_epi16)(high_run[r], format == CK_BLOCKS_8 ? sixteens : ones));
  }
}

/// The job's first `rows` rows. `rows`, `parts` and `format` are constants wherever this is inlined.
CK_INLINE WIDE_TARGET void tile(int rows, int parts, ck_block_format format, const ck_block_job *job) {
  const size_t width = job->x.stride * CK_BLOCK_SIDE;
  const int groups = (format == CK_BLOCKS_8 ? 2 : 1) * CK_BLOCK_SIDE / 2 / WIDE_OUTPUTS;
  const int scales = ck_block_scales(format), steps = 8 / scales;
  const uint8_t *block = job->panel;
  const int8_t *x = job->x.quants;
  tile_totals totals;
  memset(totals, 0, sizeof totals);
  ck_block_fetch_outputs(job, rows);
  for (size_t b = 0; b < job->blocks; b++, block += ck_blocks_bytes(format), x += CK_BLOCK_SIDE) {
    for (int part = 0; part < groups * scales; part++) {
      const int group = part / scales, number = part % scales;
      wide_int low[tile_rows], high[tile_rows];
      CK_UNROLL for (int r = 0; r < rows * parts; r++) low[r] = high[r] = WIDE_ZERO;
      for (int first = number * steps; first < (number + 1) * steps; first += fitting(format))
        add_run(rows * parts, format, block, x, width, group, first, low, high);
      CK_UNROLL for (int r = 0; r < rows * parts; r++)
        if (format == CK_BLOCKS_8) low[r] = WIDE(add_epi32)(low[r], high[r]);
      if (parts == 2) join(rows, low), join(rows, high);
      add_dots(rows, format, job, b, number, block, WIDE_OUTPUTS * group, low, totals);
      if (format != CK_BLOCKS_8) add_dots(rows, format, job, b, number, block, 16 + WIDE_OUTPUTS * group, high, totals);
    }
  }
  for (int r = 0; r < rows; r++) ck_block_store(job, (size_t)r, totals[r]);
}

CK_INLINE WIDE_TARGET void panel(int parts, ck_block_format format, const ck_block_job *job) {
  for (size_t row = 0; row < job->rows;) {
    ck_block_job rest = ck_block_job_from(job, row);
    size_t rows = ck_block_tile_rows(rest.rows, (size_t)(tile_rows / parts));
    switch (rows) {
      case 1: tile(1, parts, format, &rest); break;
      case 2: tile(2, parts, format, &rest); break;
      case 3: if (parts == 1) tile(3, 1, format, &rest); break;
      case 4: if (parts == 1) tile(4, 1, format, &rest); break;
    }
    row += rows;
  }
}

CK_INLINE WIDE_TARGET void panel_in_parts(ck_block_format format, const ck_block_job *job) {
  if (job->x.parts == 1) {
    panel(1, format, job);
  } else {
    panel(2, format, job);
  }
}

WIDE_TARGET void WIDE_PANEL(const ck_block_job *job) {
#define PANEL(format) panel_in_parts(format, job)
  CK_FOR_BLOCK_FORMAT(job->format, PANEL)
}
