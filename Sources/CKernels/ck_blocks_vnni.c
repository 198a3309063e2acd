// The block product with `vpdpbusd`: tiles of up to 6 rows (4 in 16 bits) x 32 outputs, all accumulators in registers.
#include "ck_blocks_lanes.h"

#if defined(__x86_64__)
#include <string.h>

// 12 float and 12 integer accumulators (8 and 16), 2 registers of weights, 1 of activations.
enum {
  tile_rows = 6,
  precise_tile_rows = 4,
  fetch_distance = 8192,
  spread_blocks = 18,  ///< Blocks that stand spread out at a time: they stay in the first-level cache.
  spread_rows = 288    ///< Rows that go over them.
};

/// A block for several tiles: what each would unpack and convert anew.
typedef struct {
  _Alignas(64) uint8_t quants[CK_BLOCK_SIDE * CK_BLOCK_SIDE];  ///< As `CK_BLOCKS_8` has them, but for what was added.
  float scales[2][CK_BLOCK_SIDE];
  float minima[CK_BLOCK_SIDE];
} spread_block;

/// Sums of a tile's rows that go on with later blocks.
typedef float kept_sums[CK_BLOCK_SIDE];

/// The part of a panel that a tile goes over.
typedef struct {
  const uint8_t *packed;
  const spread_block *spread;  ///< The same where it is spread out.
  kept_sums *kept;
  int goes_on;  ///< Whether the sums begin with what was kept,
  int is_last;  ///< and end here.
} panel_part;

/// What the tiles of one panel fetch, so that memory is busy while they compute.
typedef struct {
  const uint8_t *from;
  size_t step;  // bytes for each block, 0 for nothing
  int is_near;  // whether they are read soon
  size_t lines;  // of the job's walk, for each block
} fetch_ahead;

CK_INLINE CK_TARGET_AVX512_VNNI __m512i load_four(const int8_t *from) {
  int32_t four;
  memcpy(&four, from, 4);
  return _mm512_set1_epi32(four);
}

CK_INLINE CK_TARGET_AVX512_VNNI __m512i first_dot(ck_block_format format, ck_block_facts facts, int scale) {
  __m512i sum = _mm512_set1_epi32(ck_block_sum_at(format, facts, scale));
  __m512i shifted = _mm512_slli_epi32(sum, (unsigned)ck_block_offset_shift(format));
  return ck_block_has_minima(format) ? _mm512_setzero_si512() : _mm512_sub_epi32(_mm512_setzero_si512(), shifted);
}

/// A block's scales, ready for `scaled`.
CK_INLINE CK_TARGET_AVX512_VNNI __m512 unscaled(int parts, __m512 d) {
  if (parts == 1) return d;
  return _mm512_castsi512_ps(_mm512_sub_epi32(_mm512_castps_si512(d), _mm512_set1_epi32(127 << 23)));
}

/// They times the scale of a row's block. In 16 bits that is a power of two, whose exponent is added: products share the ports
/// that are short, sums do not.
CK_INLINE CK_TARGET_AVX512_VNNI __m512 scaled(int parts, __m512 d, float scale) {
  __m512 factor = _mm512_set1_ps(scale);
  if (parts == 1) return _mm512_mul_ps(factor, d);
  return _mm512_castsi512_ps(_mm512_add_epi32(_mm512_castps_si512(factor), _mm512_castps_si512(d)));
}

CK_INLINE CK_TARGET_AVX512_VNNI void store(int rows, const ck_block_job *job, __m512 total[tile_rows][2]) {
  CK_UNROLL for (int half = 0; half < 2; half++) {
    __mmask16 mask = (__mmask16)(((1ull << job->columns) - 1) >> (16 * half));
    CK_UNROLL for (int r = 0; r < rows; r++) {
      __m512 sum = total[r][half];
      if (job->initial) {
        const float *initial = job->initial + (size_t)r * job->initial_stride + 16 * half;
        sum = _mm512_add_ps(_mm512_maskz_loadu_ps(mask, initial), sum);
      }
      _mm512_mask_storeu_ps(job->y + (size_t)r * job->y_stride + 16 * half, mask, sum);
    }
  }
}

/// The weights of inputs 4k...4k+3 of a part's block `b`.
CK_INLINE CK_TARGET_AVX512_VNNI void quants_at(int is_spread, ck_block_format format, panel_part part, size_t b, int k,
                                               __m512i w[2]) {
  if (!is_spread) return load_quants(format, part.packed + b * ck_blocks_bytes(format), k, w);
  w[0] = _mm512_load_si512(part.spread[b].quants + 128 * k);
  w[1] = _mm512_load_si512(part.spread[b].quants + 128 * k + 64);
}

/// The scales of half its outputs, ready for `scaled`.
CK_INLINE CK_TARGET_AVX512_VNNI __m512 scales_at(int is_spread, int parts, ck_block_format format, panel_part part,
                                                 size_t b, int s, int half) {
  if (is_spread) return _mm512_load_ps(part.spread[b].scales[s] + 16 * half);
  const uint8_t *block = part.packed + b * ck_blocks_bytes(format);
  const size_t input = (size_t)(s * CK_BLOCK_SIDE / ck_block_scales(format));
  return unscaled(parts, load_halves(ck_block_scales_at(format, block, input) + 32 * half));
}

CK_INLINE CK_TARGET_AVX512_VNNI __m512 minima_at(int is_spread, ck_block_format format, panel_part part, size_t b,
                                                 int half) {
  if (is_spread) return _mm512_load_ps(part.spread[b].minima + 16 * half);
  return load_halves(ck_block_minima_at(format, part.packed + b * ck_blocks_bytes(format)) + 32 * half);
}

/// The job's first `rows` rows. `is_spread`, `rows`, `parts` and `format` are constants wherever this is inlined.
CK_INLINE CK_TARGET_AVX512_VNNI void tile(int is_spread, int rows, int parts, ck_block_format format,
                                          const ck_block_job *job, panel_part part, fetch_ahead ahead) {
  const size_t blocks = job->blocks, stride = job->x.stride, width = stride * CK_BLOCK_SIDE;
  const int8_t *x = job->x.quants;
  __m512 total[tile_rows][2];
  CK_UNROLL for (int r = 0; r < rows; r++) CK_UNROLL for (int half = 0; half < 2; half++) total[r][half] =
      is_spread && part.goes_on ? _mm512_loadu_ps(part.kept[r] + 16 * half) : _mm512_setzero_ps();
  if (!is_spread || part.is_last) ck_block_fetch_outputs(job, rows);
  // Unrolled, this loop would spill the accumulators.
#pragma clang loop unroll(disable)
  for (size_t b = 0; b < blocks; b++, x += CK_BLOCK_SIDE) {
    if (ahead.is_near) {
      for (size_t line = 0; line < ahead.step; line += 64) _mm_prefetch((const char *)ahead.from + line, _MM_HINT_T0);
    } else {
      for (size_t line = 0; line < ahead.step; line += 64) _mm_prefetch((const char *)ahead.from + line, _MM_HINT_T1);
    }
    ahead.from += ahead.step;
    if (ahead.lines > 0) ck_walk_on(job->walk, ahead.lines);
    const int scales = ck_block_scales(format), steps = 8 / scales;  // of four inputs with one scale
    CK_UNROLL for (int s = 0; s < scales; s++) {
      __m512i dot[2 * precise_tile_rows][2];  // a row's parts side by side, the last one with the block's start
      CK_UNROLL for (int r = 0; r < rows; r++) {
        CK_UNROLL for (int high = 0; high + 1 < parts; high++)
          dot[r * parts + high][0] = dot[r * parts + high][1] = _mm512_setzero_si512();
        int last = r * parts + parts - 1;
        dot[last][0] = dot[last][1] = first_dot(format, job->x.facts[(size_t)r * stride + b], s);
      }
      CK_UNROLL for (int k = s * steps; k < (s + 1) * steps; k++) {
        __m512i w[2];
        quants_at(is_spread, format, part, b, k, w);
        CK_UNROLL for (int r = 0; r < rows * parts; r++) {
          __m512i four = load_four(x + (size_t)r * width + 4 * k);
          dot[r][0] = _mm512_dpbusd_epi32(dot[r][0], w[0], four);
          dot[r][1] = _mm512_dpbusd_epi32(dot[r][1], w[1], four);
        }
      }
      CK_UNROLL for (int half = 0; half < 2; half++) {
        __m512 d = scales_at(is_spread, parts, format, part, b, s, half);
        CK_UNROLL for (int r = 0; r < rows; r++) {
          const ck_block_facts *facts = job->x.facts + (size_t)r * stride + b;
          __m512 step = scaled(parts, d, facts->scale);
          __m512i whole = dot[r * parts][half];
          if (parts == 2) whole = _mm512_add_epi32(_mm512_slli_epi32(whole, 8), dot[r * parts + 1][half]);
          total[r][half] = _mm512_fmadd_ps(step, _mm512_cvtepi32_ps(whole), total[r][half]);
          if (!ck_block_has_minima(format)) continue;
          const __m512 sum = _mm512_set1_ps(facts->scaled_sum), m = minima_at(is_spread, format, part, b, half);
          total[r][half] = _mm512_fmadd_ps(sum, m, total[r][half]);
        }
      }
    }
  }
  if (is_spread && !part.is_last) {
    CK_UNROLL for (int r = 0; r < rows; r++) CK_UNROLL for (int half = 0; half < 2; half++)
        _mm512_storeu_ps(part.kept[r] + 16 * half, total[r][half]);
    return;
  }
  // A sum of exponents does not show what is not finite.
  if (parts == 2) CK_UNROLL for (int r = 0; r < rows; r++) {
      float sum = job->x.facts[(size_t)r * stride].scaled_sum;
      if (sum != sum) total[r][0] = total[r][1] = _mm512_set1_ps(sum);
    }
  store(rows, job, total);
}

/// All rows over a part, tile by tile; where the last one has left off fetching.
CK_INLINE CK_TARGET_AVX512_VNNI const uint8_t *tiles(int is_spread, int parts, ck_block_format format,
                                                     const ck_block_job *job, panel_part part, fetch_ahead ahead) {
  const size_t most = parts == 1 ? tile_rows : precise_tile_rows;
  for (size_t row = 0; row < job->rows; ahead.from += job->blocks * ahead.step) {
    ck_block_job rest = ck_block_job_from(job, row);
    size_t rows = ck_block_tile_rows(rest.rows, most);
    switch (rows) {
      case 1: tile(is_spread, 1, parts, format, &rest, part, ahead); break;
      case 2: tile(is_spread, 2, parts, format, &rest, part, ahead); break;
      case 3: tile(is_spread, 3, parts, format, &rest, part, ahead); break;
      case 4: tile(is_spread, 4, parts, format, &rest, part, ahead); break;
      case 5: if (parts == 1) tile(is_spread, 5, 1, format, &rest, part, ahead); break;
      case 6: if (parts == 1) tile(is_spread, 6, 1, format, &rest, part, ahead); break;
    }
    row += rows;
    if (is_spread) part.kept += rows;
  }
  return ahead.from;
}

CK_INLINE CK_TARGET_AVX512_VNNI void spread(int parts, ck_block_format format, size_t count, const uint8_t *block,
                                            spread_block *to) {
  for (; count > 0; count--, block += ck_blocks_bytes(format), to++) {
    const panel_part packed = {.packed = block};
    CK_UNROLL for (int k = 0; k < 8; k++) {
      __m512i w[2];
      quants_at(0, format, packed, 0, k, w);
      _mm512_store_si512(to->quants + 128 * k, w[0]);
      _mm512_store_si512(to->quants + 128 * k + 64, w[1]);
    }
    CK_UNROLL for (int half = 0; half < 2; half++) {
      CK_UNROLL for (int s = 0; s < ck_block_scales(format); s++)
        _mm512_store_ps(to->scales[s] + 16 * half, scales_at(0, parts, format, packed, 0, s, half));
      if (ck_block_has_minima(format)) _mm512_store_ps(to->minima + 16 * half, minima_at(0, format, packed, 0, half));
    }
  }
}

/// Several tiles: its blocks are spread out, a few at a time, and all rows go over those.
CK_INLINE CK_TARGET_AVX512_VNNI void spread_panel(int parts, ck_block_format format, const ck_block_job *job,
                                                  fetch_ahead ahead) {
  spread_block room[spread_blocks];
  kept_sums kept[spread_rows];
  const size_t turns = (job->blocks + spread_blocks - 1) / spread_blocks;
  for (size_t row = 0; row < job->rows; row += spread_rows) {
    ck_block_job rest = ck_block_job_from(job, row);
    if (rest.rows > spread_rows) rest.rows = spread_rows;
    for (size_t first = 0, left = turns; left > 0; left--) {
      const size_t count = (job->blocks - first + left - 1) / left;
      spread(parts, format, count, job->panel + first * ck_blocks_bytes(format), room);
      const panel_part part = {NULL, room, kept, first > 0, left == 1};
      ck_block_job turn = rest;
      turn.blocks = count;
      turn.x = ck_block_rows_from(rest.x, 0, first);
      ahead.from = tiles(1, parts, format, &turn, part, ahead);
      first += count;
    }
  }
}

CK_INLINE CK_TARGET_AVX512_VNNI void panel(int parts, ck_block_format format, const ck_block_job *job) {
  const size_t most = parts == 1 ? tile_rows : precise_tile_rows;
  const size_t bytes = ck_blocks_bytes(format), count = (job->rows + most - 1) / most;
  // For several tiles the first one fetches the next panel; among many its wait is no matter. One tile alone waits for memory
  // anyway, unless the processor loses its way at each page's end, as Intel's do: then what comes a page or two later is
  // fetched. Past the last panel this fetches what nobody asked for, which is harmless.
  fetch_ahead ahead = {0};
  if (count < 2) {
    if (ck_fetches_within_pages()) ahead = (fetch_ahead){job->panel + fetch_distance, bytes, 1, 0};
  } else {
    const size_t steps = count * job->blocks, lines = count > 8 ? 0 : (bytes / 64 + count - 1) / count;
    ahead = (fetch_ahead){job->panel + job->blocks * bytes, 64 * lines, 0, (job->walk_lines + steps - 1) / steps};
  }
  if (count >= 2 && format != CK_BLOCKS_8) return spread_panel(parts, format, job, ahead);
  const panel_part whole = {.packed = job->panel};
  tiles(0, parts, format, job, whole, ahead);
}

CK_INLINE CK_TARGET_AVX512_VNNI void panel_in_parts(ck_block_format format, const ck_block_job *job) {
  if (job->x.parts == 1) {
    panel(1, format, job);
  } else {
    panel(2, format, job);
  }
}

CK_TARGET_AVX512_VNNI void ck_blocks_panel_avx512_vnni(const ck_block_job *job) {
#define PANEL(format) panel_in_parts(format, job)
  CK_FOR_BLOCK_FORMAT(job->format, PANEL)
}
#endif
