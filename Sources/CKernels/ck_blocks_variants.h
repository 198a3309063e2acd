// What the variants of the block product share.
#pragma once
#include <string.h>

#include "ck_blocks.h"
#include "ck_dispatch.h"

#define CK_UNROLL _Pragma("clang loop unroll(full)")

/// What is left of a `ck_ahead`.
typedef struct {
  const ck_range *range;
  const uint8_t *at, *end;
  size_t lines;
} ck_walk;

/// From the first of its lines on.
CK_INLINE ck_walk ck_walk_over(const ck_ahead *ahead) {
  ck_walk walk = {0};
  if (!ahead) return walk;
  size_t skip = ahead->first * 64;
  for (size_t i = 0; i < ahead->count; i++) {
    const ck_range *range = ahead->ranges + i;
    size_t bytes = (range->bytes + 63) / 64 * 64, left = 0;
    if (skip >= bytes) {
      skip -= bytes;
      continue;
    }
    for (size_t j = i; j < ahead->count; j++) left += (ahead->ranges[j].bytes + 63) / 64;
    left -= skip / 64;
    const uint8_t *from = range->from;
    walk = (ck_walk){range, from + skip, from + bytes, left < ahead->lines ? left : ahead->lines};
    break;
  }
  return walk;
}

/// Fetches at most `lines` of them.
CK_INLINE void ck_walk_on(ck_walk *walk, size_t lines) {
  for (; lines > 0 && walk->lines > 0; lines--, walk->lines--) {
    while (walk->at == walk->end) {
      walk->range++;
      walk->at = walk->range->from;
      walk->end = walk->at + (walk->range->bytes + 63) / 64 * 64;
    }
    __builtin_prefetch(walk->at, 0, 2);
    walk->at += 64;
  }
}

/// The arguments of `ck_blocks_product`, then those of one panel of it (`columns` at most 32).
typedef struct {
  ck_block_format format;
  size_t rows, columns, blocks;
  ck_block_rows x;
  const uint8_t *panel;
  const float *initial;
  size_t initial_stride;
  float *y;
  size_t y_stride;
  ck_walk *walk;
  size_t walk_lines;  // of one panel
} ck_block_job;

void ck_blocks_panel_portable(const ck_block_job *job);
#if defined(__x86_64__)
void ck_blocks_panel_avx2(const ck_block_job *job);
void ck_blocks_panel_avx512(const ck_block_job *job);
void ck_blocks_panel_avx512_vnni(const ck_block_job *job);

/// One block of `ck_blocks_widen_bf16`; returns 0 and does nothing where a scale or minimum is not finite.
int ck_blocks_widen_avx512(ck_block_format format, const uint8_t *block, uint16_t *to);

/// One block of `ck_blocks_turn`; returns 0 and does nothing where a scale or minimum is not finite.
int ck_blocks_turn_avx512(ck_block_format format, const uint8_t *block, uint8_t *to);
#endif

/// Bytes of a block's quants, after which its scales come.
CK_INLINE size_t ck_block_quant_bytes(ck_block_format format) { return format == CK_BLOCKS_8 ? 1024 : 512; }

/// log2 of what is added to a stored quant: a block's sum starts at minus this times the activations' sum.
CK_INLINE int ck_block_offset_shift(ck_block_format format) { return format == CK_BLOCKS_8 ? 7 : 3; }

/// A quant of a block, without what was added to it.
CK_INLINE int ck_block_quant_at(ck_block_format format, const uint8_t *block, size_t output, size_t k) {
  if (format == CK_BLOCKS_8) return block[128 * (k / 4) + 4 * output + k % 4] - 128;
  int both = block[64 * (k / 4) + 4 * (output % 16) + k % 4], q = output < 16 ? both & 15 : both >> 4;
  return format == CK_BLOCKS_4 ? q - 8 : q;
}

/// Rows of the next tile, so that `rows` are shared evenly among the fewest tiles of at most `most`.
CK_INLINE size_t ck_block_tile_rows(size_t rows, size_t most) {
  size_t tiles = (rows + most - 1) / most;
  return (rows + tiles - 1) / tiles;
}

/// The same job from row `row` on.
CK_INLINE ck_block_job ck_block_job_from(const ck_block_job *job, size_t row) {
  ck_block_job rest = *job;
  rest.rows -= row;
  rest.x = ck_block_rows_from(job->x, row, 0);
  if (job->initial) rest.initial += row * job->initial_stride;
  rest.y += row * job->y_stride;
  return rest;
}

/// Asks for the lines that a tile of `rows` rows will write, so that its stores need not wait.
CK_INLINE void ck_block_fetch_outputs(const ck_block_job *job, int rows) {
  for (int r = 0; r < rows; r++) {
    const float *y = job->y + (size_t)r * job->y_stride;
    __builtin_prefetch(y, 1);
    __builtin_prefetch(y + 16, 1);
  }
}

/// Row `row` of `y` out of its sums, which this may change.
CK_INLINE void ck_block_store(const ck_block_job *job, size_t row, float totals[CK_BLOCK_SIDE]) {
  const size_t columns = job->columns;
  if (job->initial) {
    const float *initial = job->initial + row * job->initial_stride;
    for (size_t o = 0; o < columns; o++) totals[o] += initial[o];
  }
  memcpy(job->y + row * job->y_stride, totals, columns * sizeof(float));
}
