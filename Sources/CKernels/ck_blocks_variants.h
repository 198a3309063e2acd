// What the variants of the block product share.
#pragma once
#include <string.h>

#include "ck_blocks.h"
#include "ck_dispatch.h"


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

/// Bits of a quant above its low four, which stand by themselves, before those; of a quant in 8 bits none does.
CK_INLINE int ck_block_upper_bits(ck_block_format format) {
  return format == CK_BLOCKS_6 ? 2 : format == CK_BLOCKS_5 || format == CK_BLOCKS_5_1 ? 1 : 0;
}

/// Whether what a block adds to a quant stands beside the scales, rather than being the same for all.
CK_INLINE int ck_block_has_minima(ck_block_format format) {
  return format == CK_BLOCKS_4_1 || format == CK_BLOCKS_5_1;
}

/// Scales of an output's block: for all its inputs, or for 16 each.
CK_INLINE int ck_block_scales(ck_block_format format) { return format == CK_BLOCKS_6 ? 2 : 1; }

/// log2 of what is added to a stored quant: a block's sum starts at minus this times the activations' sum.
CK_INLINE int ck_block_offset_shift(ck_block_format format) {
  return format == CK_BLOCKS_8 ? 7 : 3 + ck_block_upper_bits(format);
}

/// What was added to a stored quant.
CK_INLINE int ck_block_offset(ck_block_format format) {
  return ck_block_has_minima(format) ? 0 : 1 << ck_block_offset_shift(format);
}

/// Where what inputs 4k...4k+3 share with those of the same scale begins, and which fours these are of them.
CK_INLINE const uint8_t *ck_block_part(ck_block_format format, const uint8_t *block, size_t *k) {
  if (ck_block_scales(format) == 1) return block;
  block += *k / 4 * (ck_blocks_bytes(format) / 2);
  *k %= 4;
  return block;
}

/// The low four bits of inputs 4k...4k+3.
CK_INLINE const uint8_t *ck_block_low_bits(ck_block_format format, const uint8_t *block, size_t k) {
  const uint8_t *part = ck_block_part(format, block, &k);
  return part + (ck_block_upper_bits(format) == 0 ? 0 : 128) + 64 * k;
}

/// Those above, from bit `bit` of a byte on.
CK_INLINE const uint8_t *ck_block_high_bits(ck_block_format format, const uint8_t *block, size_t k, int *bit) {
  const uint8_t *part = ck_block_part(format, block, &k);
  *bit = ck_block_upper_bits(format) * (int)k;
  return part;
}

/// A quant of a block as it is stored.
CK_INLINE int ck_block_stored_quant_at(ck_block_format format, const uint8_t *block, size_t output, size_t k) {
  if (format == CK_BLOCKS_8) return block[128 * (k / 4) + 4 * output + k % 4];
  const size_t lane = 4 * (output % 16) + k % 4;
  int both = ck_block_low_bits(format, block, k / 4)[lane], q = output < 16 ? both & 15 : both >> 4, bit;
  const uint8_t *high = ck_block_high_bits(format, block, k / 4, &bit) + 64 * (output / 16);
  const int mask = (1 << ck_block_upper_bits(format)) - 1;
  return mask == 0 ? q : q | (high[lane] >> bit & mask) << 4;
}

/// Without what was added to it.
CK_INLINE int ck_block_quant_at(ck_block_format format, const uint8_t *block, size_t output, size_t k) {
  return ck_block_stored_quant_at(format, block, output, k) - ck_block_offset(format);
}

/// Where the scales for input k stand, 32 halves: after the quants that share them.
CK_INLINE const uint8_t *ck_block_scales_at(ck_block_format format, const uint8_t *block, size_t k) {
  const size_t bytes = ck_blocks_bytes(format);
  if (ck_block_scales(format) == 2) return block + bytes / 2 * (k / 16 + 1) - 64;
  return block + bytes - (ck_block_has_minima(format) ? 128 : 64);
}

/// Where the minima stand, if there are any.
CK_INLINE const uint8_t *ck_block_minima_at(ck_block_format format, const uint8_t *block) {
  return block + ck_blocks_bytes(format) - 64;
}

/// The sum of the quants of the activations that scale `number` of a block is for.
CK_INLINE int32_t ck_block_sum_at(ck_block_format format, ck_block_facts facts, int number) {
  if (ck_block_scales(format) == 1) return facts.sum;
  return number == 0 ? facts.early_sum : facts.sum - facts.early_sum;
}

/// Calls `body(FORMAT)`, where FORMAT is `format` as a constant.
#define CK_FOR_BLOCK_FORMAT(format, body)           \
  switch (format) {                                 \
    case CK_BLOCKS_8: body(CK_BLOCKS_8); break;     \
    case CK_BLOCKS_4: body(CK_BLOCKS_4); break;     \
    case CK_BLOCKS_4_1: body(CK_BLOCKS_4_1); break; \
    case CK_BLOCKS_5: body(CK_BLOCKS_5); break;     \
    case CK_BLOCKS_5_1: body(CK_BLOCKS_5_1); break; \
    case CK_BLOCKS_6: body(CK_BLOCKS_6); break;     \
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
