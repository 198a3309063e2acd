// The block product with `vpdpbusd`: tiles of up to 6 rows (4 in 16 bits) x 32 outputs, all accumulators in registers.
#include "ck_blocks_lanes.h"

#if defined(__x86_64__)
#include <string.h>

// 12 float and 12 integer accumulators (8 and 16), 2 registers of weights, 1 of activations.
enum { tile_rows = 6, precise_tile_rows = 4, fetch_distance = 8192 };

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

/// The job's first `rows` rows. `rows`, `parts` and `format` are constants wherever this is inlined.
CK_INLINE CK_TARGET_AVX512_VNNI void tile(int rows, int parts, ck_block_format format, const ck_block_job *job,
                                          fetch_ahead ahead) {
  const size_t blocks = job->blocks, stride = job->x.stride, width = stride * CK_BLOCK_SIDE;
  const int8_t *x = job->x.quants;
  const uint8_t *block = job->panel;
  __m512 total[tile_rows][2];
  CK_UNROLL for (int r = 0; r < rows; r++) total[r][0] = total[r][1] = _mm512_setzero_ps();
  ck_block_fetch_outputs(job, rows);
  // Unrolled, this loop would spill the accumulators.
#pragma clang loop unroll(disable)
  for (size_t b = 0; b < blocks; b++, block += ck_blocks_bytes(format), x += CK_BLOCK_SIDE) {
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
        CK_UNROLL for (int part = 0; part + 1 < parts; part++)
          dot[r * parts + part][0] = dot[r * parts + part][1] = _mm512_setzero_si512();
        int last = r * parts + parts - 1;
        dot[last][0] = dot[last][1] = first_dot(format, job->x.facts[(size_t)r * stride + b], s);
      }
      CK_UNROLL for (int k = s * steps; k < (s + 1) * steps; k++) {
        __m512i w[2];
        load_quants(format, block, k, w);
        CK_UNROLL for (int r = 0; r < rows * parts; r++) {
          __m512i four = load_four(x + (size_t)r * width + 4 * k);
          dot[r][0] = _mm512_dpbusd_epi32(dot[r][0], w[0], four);
          dot[r][1] = _mm512_dpbusd_epi32(dot[r][1], w[1], four);
        }
      }
      CK_UNROLL for (int half = 0; half < 2; half++) {
        __m512 d = unscaled(parts, load_halves(ck_block_scales_at(format, block, (size_t)(4 * s * steps)) + 32 * half));
        CK_UNROLL for (int r = 0; r < rows; r++) {
          const ck_block_facts *facts = job->x.facts + (size_t)r * stride + b;
          __m512 step = scaled(parts, d, facts->scale);
          __m512i whole = dot[r * parts][half];
          if (parts == 2) whole = _mm512_add_epi32(_mm512_slli_epi32(whole, 8), dot[r * parts + 1][half]);
          total[r][half] = _mm512_fmadd_ps(step, _mm512_cvtepi32_ps(whole), total[r][half]);
          if (!ck_block_has_minima(format)) continue;
          __m512 sum = _mm512_set1_ps(facts->scaled_sum), m = load_halves(ck_block_minima_at(format, block) + 32 * half);
          total[r][half] = _mm512_fmadd_ps(sum, m, total[r][half]);
        }
      }
    }
  }
  // A sum of exponents does not show what is not finite.
  if (parts == 2) CK_UNROLL for (int r = 0; r < rows; r++) {
      float sum = job->x.facts[(size_t)r * stride].scaled_sum;
      if (sum != sum) total[r][0] = total[r][1] = _mm512_set1_ps(sum);
    }
  store(rows, job, total);
}

CK_INLINE CK_TARGET_AVX512_VNNI void panel(int parts, ck_block_format format, const ck_block_job *job) {
  const size_t most = parts == 1 ? tile_rows : precise_tile_rows;
  const size_t bytes = ck_blocks_bytes(format), tiles = (job->rows + most - 1) / most;
  // For several tiles the first one fetches the next panel; among many its wait is no matter. One tile alone waits for memory
  // anyway, unless the processor loses its way at each page's end, as Intel's do: then what comes a page or two later is
  // fetched. Past the last panel this fetches what nobody asked for, which is harmless.
  fetch_ahead ahead = {0};
  if (tiles < 2) {
    if (ck_fetches_within_pages()) ahead = (fetch_ahead){job->panel + fetch_distance, bytes, 1, 0};
  } else {
    const size_t steps = tiles * job->blocks, lines = tiles > 8 ? 0 : (bytes / 64 + tiles - 1) / tiles;
    ahead = (fetch_ahead){job->panel + job->blocks * bytes, 64 * lines, 0, (job->walk_lines + steps - 1) / steps};
  }
  for (size_t row = 0; row < job->rows; ahead.from += job->blocks * ahead.step) {
    ck_block_job rest = ck_block_job_from(job, row);
    size_t rows = ck_block_tile_rows(rest.rows, most);
    switch (rows) {
      case 1: tile(1, parts, format, &rest, ahead); break;
      case 2: tile(2, parts, format, &rest, ahead); break;
      case 3: tile(3, parts, format, &rest, ahead); break;
      case 4: tile(4, parts, format, &rest, ahead); break;
      case 5: if (parts == 1) tile(5, 1, format, &rest, ahead); break;
      case 6: if (parts == 1) tile(6, 1, format, &rest, ahead); break;
    }
    row += rows;
  }
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
