#include "ck_blocks.h"

#include <math.h>

#include "ck_blocks_variants.h"
#include "ck_half.h"

enum { tile_rows = 4 };

/// A block's quants as stored, `(input, output)`.
CK_INLINE void widen_quants(ck_block_format format, const uint8_t *block, int16_t w[32][32]) {
  for (int k = 0; k < 32; k++) {
    const uint8_t *from = block + (format == CK_BLOCKS_8 ? 128 : 64) * (k / 4) + k % 4;
    if (format == CK_BLOCKS_8) {
      for (int o = 0; o < 32; o++) w[k][o] = from[4 * o];
    } else {
      for (int o = 0; o < 16; o++) w[k][o] = from[4 * o] & 15;
      for (int o = 0; o < 16; o++) w[k][o + 16] = from[4 * o] >> 4;
    }
  }
}

CK_INLINE void tile(size_t rows, ck_block_format format, const ck_block_job *job) {
  const size_t blocks = job->blocks;
  const uint8_t *block = job->panel;
  float totals[tile_rows][32] = {0};
  for (size_t b = 0; b < blocks; b++, block += ck_blocks_bytes(format)) {
    const uint8_t *halves = block + ck_block_quant_bytes(format);
    int16_t w[32][32];
    float d[32], m[32];
    widen_quants(format, block, w);
    for (int o = 0; o < 32; o++) d[o] = ck_half_at(halves + 2 * o);
    for (int o = 0; o < 32 && format == CK_BLOCKS_4_1; o++) m[o] = ck_half_at(halves + 64 + 2 * o);
    for (size_t r = 0; r < rows; r++) {
      const ck_block_rows x = ck_block_rows_from(job->x, r, b);
      const ck_block_facts facts = *x.facts;
      int32_t dots[32], sum = facts.sum;
      float *total = totals[r];
      int32_t start = format == CK_BLOCKS_4_1 ? 0 : -sum * (1 << ck_block_offset_shift(format));
      for (int o = 0; o < 32; o++) dots[o] = start;
      for (size_t part = 0; part < x.parts; part++) {
        const int8_t *quants = x.quants + part * x.stride * 32;
        const int32_t weight = part + 1 < x.parts ? 256 : 1;
        for (int k = 0; k < 32; k++)
          for (int o = 0; o < 32; o++) dots[o] += w[k][o] * (weight * quants[k]);
      }
      for (int o = 0; o < 32; o++) total[o] = fmaf(facts.scale * d[o], (float)dots[o], total[o]);
      for (int o = 0; o < 32 && format == CK_BLOCKS_4_1; o++) total[o] = fmaf(facts.scaled_sum, m[o], total[o]);
    }
  }
  for (size_t r = 0; r < rows; r++) ck_block_store(job, r, totals[r]);
}

CK_INLINE void panel(ck_block_format format, const ck_block_job *job) {
  for (size_t row = 0; row < job->rows;) {
    ck_block_job rest = ck_block_job_from(job, row);
    size_t rows = ck_block_tile_rows(rest.rows, tile_rows);
    tile(rows, format, &rest);
    row += rows;
  }
}

void ck_blocks_panel_portable(const ck_block_job *job) {
  switch (job->format) {
    case CK_BLOCKS_8: panel(CK_BLOCKS_8, job); break;
    case CK_BLOCKS_4: panel(CK_BLOCKS_4, job); break;
    case CK_BLOCKS_4_1: panel(CK_BLOCKS_4_1, job); break;
  }
}

void ck_blocks_product(ck_block_format format, size_t rows, size_t columns, size_t blocks, ck_block_rows x,
                       const uint8_t *panels, const float *initial, size_t initial_stride, float *y, size_t y_stride,
                       const ck_ahead *ahead) {
  ck_walk walk = ck_walk_over(ahead);
  size_t panels_left = (columns + CK_BLOCK_SIDE - 1) / CK_BLOCK_SIDE;
  void (*panel)(const ck_block_job *) = ck_blocks_panel_portable;
#if defined(__x86_64__)
  ck_variant variant = ck_current_variant();
  if (variant >= CK_AVX2) panel = ck_blocks_panel_avx2;
  if (variant >= CK_AVX512) panel = ck_blocks_panel_avx512;
  if (variant >= CK_AVX512_VNNI) panel = ck_blocks_panel_avx512_vnni;
#endif
  for (size_t first = 0; first < columns; first += CK_BLOCK_SIDE, panels_left--) {
    size_t width = columns - first < CK_BLOCK_SIDE ? columns - first : CK_BLOCK_SIDE;
    const uint8_t *at = panels + first / CK_BLOCK_SIDE * blocks * ck_blocks_bytes(format);
    const float *from = initial ? initial + first : NULL;
    ck_block_job job = {format, rows,           width,     blocks,   x,     at,
                        from,   initial_stride, y + first, y_stride, &walk, (walk.lines + panels_left - 1) / panels_left};
    panel(&job);
  }
}
