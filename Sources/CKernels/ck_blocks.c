#include "ck_blocks.h"

#include <math.h>

#include "ck_blocks_variants.h"
#include "ck_half.h"

enum { tile_rows = 4 };

/// A block's quants as stored, `(input, output)`.
CK_INLINE void widen_quants(ck_block_format format, const uint8_t *block, int16_t w[32][32]) {
  for (size_t k = 0; k < 32; k++)
    for (size_t o = 0; o < 32; o++) w[k][o] = (int16_t)ck_block_stored_quant_at(format, block, o, k);
}

CK_INLINE void tile(size_t rows, ck_block_format format, const ck_block_job *job) {
  const size_t blocks = job->blocks;
  const int scales = ck_block_scales(format), inputs = CK_BLOCK_SIDE / scales;  // of one scale
  const uint8_t *block = job->panel;
  float totals[tile_rows][32] = {0};
  for (size_t b = 0; b < blocks; b++, block += ck_blocks_bytes(format)) {
    const uint8_t *minima = ck_block_minima_at(format, block);
    int16_t w[32][32];
    float d[2][32], m[32];
    widen_quants(format, block, w);
    for (int s = 0; s < scales; s++) {
      const uint8_t *halves = ck_block_scales_at(format, block, (size_t)(s * inputs));
      for (int o = 0; o < 32; o++) d[s][o] = ck_half_at(halves + 2 * o);
    }
    for (int o = 0; o < 32 && ck_block_has_minima(format); o++) m[o] = ck_half_at(minima + 2 * o);
    for (size_t r = 0; r < rows; r++) {
      const ck_block_rows x = ck_block_rows_from(job->x, r, b);
      const ck_block_facts facts = *x.facts;
      float *total = totals[r];
      for (int s = 0; s < scales; s++) {
        int32_t dots[32], start = -ck_block_sum_at(format, facts, s) * ck_block_offset(format);
        for (int o = 0; o < 32; o++) dots[o] = start;
        for (size_t part = 0; part < x.parts; part++) {
          const int8_t *quants = x.quants + part * x.stride * 32;
          const int32_t weight = part + 1 < x.parts ? 256 : 1;
          for (int k = s * inputs; k < (s + 1) * inputs; k++)
            for (int o = 0; o < 32; o++) dots[o] += w[k][o] * (weight * quants[k]);
        }
        for (int o = 0; o < 32; o++) total[o] = fmaf(facts.scale * d[s][o], (float)dots[o], total[o]);
      }
      for (int o = 0; o < 32 && ck_block_has_minima(format); o++) total[o] = fmaf(facts.scaled_sum, m[o], total[o]);
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
#define PANEL(format) panel(format, job)
  CK_FOR_BLOCK_FORMAT(job->format, PANEL)
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
