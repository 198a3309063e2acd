#include "ck_outer_variants.h"

typedef float ck_lanes __attribute__((vector_size(64), aligned(4), may_alias));

/// A tile of `count` by 16 sums over `rows` rows of p and of 16 values of q, added to c; `width` of the 16 are stored.
CK_INLINE void ck_outer_tile(int count, size_t rows, size_t width, const float *p, size_t p_stride, const float *q,
                             size_t q_stride, float *c, size_t c_stride) {
  ck_lanes sums[24];
  _Pragma("clang loop unroll(full)") for (int m = 0; m < count; m++) {
    if (width == 16) {
      sums[m] = *(const ck_lanes *)(c + (size_t)m * c_stride);
    } else {
      float part[16] = {0};
      for (size_t n = 0; n < width; n++) part[n] = c[(size_t)m * c_stride + n];
      memcpy(&sums[m], part, 64);
    }
  }
  _Pragma("clang loop unroll(disable)") for (size_t t = 0; t < rows; t++) {
    ck_lanes right = *(const ck_lanes *)(q + t * q_stride);
    const float *left = p + t * p_stride;
    _Pragma("clang loop unroll(full)") for (int m = 0; m < count; m++) sums[m] += left[m] * right;
  }
  _Pragma("clang loop unroll(full)") for (int m = 0; m < count; m++) {
    if (width == 16) {
      *(ck_lanes *)(c + (size_t)m * c_stride) = sums[m];
    } else {
      for (size_t n = 0; n < width; n++) c[(size_t)m * c_stride + n] = sums[m][n];
    }
  }
}

CK_INLINE void ck_outer_body(size_t rows, size_t left, size_t right, const float *p, size_t p_stride, const float *q,
                             size_t q_stride, float *c, size_t c_stride, int accumulate) {
  if (!accumulate) ck_clear_sums(left, right, c, c_stride);
  // So many rows at once that those of both factors stay in the caches while the tiles go over them.
  for (size_t first = 0; first < rows; first += 64) {
    size_t take = rows - first < 64 ? rows - first : 64;
    const float *pt = p + first * p_stride, *qt = q + first * q_stride;
    for (size_t n = 0; n < right; n += 16) {
      size_t width = right - n < 16 ? right - n : 16, m = 0, stride = q_stride;
      const float *qn = qt + n;
      float filled[64 * 16];
      if (width < 16) {  // the last columns, filled up with zeros
        for (size_t t = 0; t < take; t++)
          for (size_t i = 0; i < 16; i++) filled[16 * t + i] = i < width ? qn[t * q_stride + i] : 0;
        qn = filled, stride = 16;
      }
#define CK_OUTER_TILES(count)             \
  for (; left - m >= count; m += count)   \
    if (width == 16)                      \
      ck_outer_tile(count, take, 16, pt + m, p_stride, qn, stride, c + m * c_stride + n, c_stride); \
    else                                  \
      ck_outer_tile(count, take, width, pt + m, p_stride, qn, stride, c + m * c_stride + n, c_stride);
      CK_OUTER_TILES(24)
      CK_OUTER_TILES(16)
      CK_OUTER_TILES(8)
      CK_OUTER_TILES(2)
      CK_OUTER_TILES(1)
    }
  }
}

CK_KERNEL(ck_outer,
          (size_t rows, size_t left, size_t right, const float *restrict p, size_t p_stride, const float *restrict q,
           size_t q_stride, float *restrict c, size_t c_stride, int accumulate),
          (rows, left, right, p, p_stride, q, q_stride, c, c_stride, accumulate))
