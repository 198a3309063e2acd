// The block product for x86 without `vpdpbusd`, included once for each width of vector.
//
// `vpmaddubsw` adds two products in 16 bits and saturates, which bytes up to 255 would reach. So the halves of a byte
// are multiplied apart: 16 products of at most 15 x 127 fit in 16 bits, a whole block of 32 without widening. For
// 4-bit weights the halves are two outputs; for 8-bit ones they are joined at the end of the block.
//
// The including file defines WIDE_TARGET, WIDE_OUTPUTS (of a vector: 8 or 16), the types wide_int and wide_float,
// `load_halves`, and WIDE(operation), the intrinsic's name, WIDE_LOAD, WIDE_AND, WIDE_ZERO.


#include "ck_blocks_variants.h"

enum { tile_rows = 4 };  // of 8 bits; half as many of 16

typedef float tile_totals[tile_rows][CK_BLOCK_SIDE];

/// Adds the block's sums of the outputs from `first` on to each row's totals.
CK_INLINE WIDE_TARGET void add_dots(int rows, ck_block_format format, const ck_block_job *job, size_t b,
                                    const uint8_t *block, int first, const wide_int dots[tile_rows],
                                    tile_totals totals) {
  const uint8_t *halves = block + ck_block_quant_bytes(format) + 2 * first;
  wide_float d = load_halves(halves);
  CK_UNROLL for (int r = 0; r < rows; r++) {
    const ck_block_facts facts = job->x.facts[(size_t)r * job->x.stride + b];
    wide_int dot = dots[r];
    int32_t offset = facts.sum * (1 << ck_block_offset_shift(format));
    if (format != CK_BLOCKS_4_1) dot = WIDE(sub_epi32)(dot, WIDE(set1_epi32)(offset));
    wide_float total = WIDE(loadu_ps)(&totals[r][first]);
    total = WIDE(fmadd_ps)(WIDE(mul_ps)(WIDE(set1_ps)(facts.scale), d), WIDE(cvtepi32_ps)(dot), total);
    if (format == CK_BLOCKS_4_1)
      total = WIDE(fmadd_ps)(WIDE(set1_ps)(facts.scaled_sum), load_halves(halves + 64), total);
    WIDE(storeu_ps)(&totals[r][first], total);
  }
}

/// The high bytes' sums joined with the low ones', for each row.
CK_INLINE WIDE_TARGET void join(int rows, wide_int dots[tile_rows]) {
  CK_UNROLL for (int r = 0; r < rows; r++)
    dots[r] = WIDE(add_epi32)(WIDE(slli_epi32)(dots[2 * r], 8), dots[2 * r + 1]);
}

/// The job's first `rows` rows. `rows`, `parts` and `format` are constants wherever this is inlined.
CK_INLINE WIDE_TARGET void tile(int rows, int parts, ck_block_format format, const ck_block_job *job) {
  const size_t width = job->x.stride * CK_BLOCK_SIDE;
  const wide_int low_bits = WIDE(set1_epi8)(15), ones = WIDE(set1_epi16)(1), sixteens = WIDE(set1_epi16)(16);
  const int bytes = format == CK_BLOCKS_8 ? 4 * CK_BLOCK_SIDE : 2 * CK_BLOCK_SIDE;  // of four inputs
  const uint8_t *block = job->panel;
  const int8_t *x = job->x.quants;
  tile_totals totals;
  memset(totals, 0, sizeof totals);
  ck_block_fetch_outputs(job, rows);
  for (size_t b = 0; b < job->blocks; b++, block += ck_blocks_bytes(format), x += CK_BLOCK_SIDE) {
    for (int group = 0; group < bytes / 4 / WIDE_OUTPUTS; group++) {
      wide_int low[tile_rows], high[tile_rows];
      CK_UNROLL for (int r = 0; r < rows * parts; r++) low[r] = high[r] = WIDE_ZERO;
      // Unrolled, this loop would keep the activations of all k, in memory.
#pragma clang loop unroll(disable)
      for (int k = 0; k < 8; k++) {
        wide_int w = WIDE_LOAD(block + bytes * k + 4 * WIDE_OUTPUTS * group);
        wide_int w_low = WIDE_AND(w, low_bits), w_high = WIDE_AND(WIDE(srli_epi16)(w, 4), low_bits);
        CK_UNROLL for (int r = 0; r < rows * parts; r++) {
          int32_t four;
          memcpy(&four, x + (size_t)r * width + 4 * k, 4);
          wide_int v = WIDE(set1_epi32)(four);
          low[r] = WIDE(add_epi16)(low[r], WIDE(maddubs_epi16)(w_low, v));
          high[r] = WIDE(add_epi16)(high[r], WIDE(maddubs_epi16)(w_high, v));
        }
      }
      CK_UNROLL for (int r = 0; r < rows * parts; r++) {
        low[r] = WIDE(madd_epi16)(low[r], ones);
        high[r] = WIDE(madd_epi16)(high[r], format == CK_BLOCKS_8 ? sixteens : ones);
        if (format == CK_BLOCKS_8) low[r] = WIDE(add_epi32)(low[r], high[r]);
      }
      if (parts == 2) join(rows, low), join(rows, high);
      add_dots(rows, format, job, b, block, WIDE_OUTPUTS * group, low, totals);
      if (format != CK_BLOCKS_8) add_dots(rows, format, job, b, block, 16 + WIDE_OUTPUTS * group, high, totals);
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
  switch (job->format) {
    case CK_BLOCKS_8: panel_in_parts(CK_BLOCKS_8, job); break;
    case CK_BLOCKS_4: panel_in_parts(CK_BLOCKS_4, job); break;
    case CK_BLOCKS_4_1: panel_in_parts(CK_BLOCKS_4_1, job); break;
  }
}
