// Transposing in registers.
#pragma once
#include "ck_dispatch.h"

#if defined(__x86_64__)
#include <immintrin.h>

typedef __m512i ck_words;

/// Transposes 8 x 8 units of 64 bits: rows[i] unit j becomes rows[j] unit i.
#define CK_TRANSPOSE_UNITS(r)                                                                                 \
  {                                                                                                          \
    ck_words a[8], b[8];                                                                                     \
    _Pragma("clang loop unroll(full)") for (int i = 0; i < 4; i++) {                                         \
      a[2 * i] = _mm512_unpacklo_epi64(r[2 * i], r[2 * i + 1]);                                              \
      a[2 * i + 1] = _mm512_unpackhi_epi64(r[2 * i], r[2 * i + 1]);                                          \
    }                                                                                                        \
    _Pragma("clang loop unroll(full)") for (int i = 0; i < 2; i++) {                                         \
      b[4 * i] = _mm512_shuffle_i64x2(a[4 * i], a[4 * i + 2], 0x88);                                         \
      b[4 * i + 1] = _mm512_shuffle_i64x2(a[4 * i + 1], a[4 * i + 3], 0x88);                                 \
      b[4 * i + 2] = _mm512_shuffle_i64x2(a[4 * i], a[4 * i + 2], 0xDD);                                     \
      b[4 * i + 3] = _mm512_shuffle_i64x2(a[4 * i + 1], a[4 * i + 3], 0xDD);                                 \
    }                                                                                                        \
    _Pragma("clang loop unroll(full)") for (int i = 0; i < 4; i++) {                                         \
      r[i] = _mm512_shuffle_i64x2(b[i], b[i + 4], 0x88);                                                     \
      r[i + 4] = _mm512_shuffle_i64x2(b[i], b[i + 4], 0xDD);                                                 \
    }                                                                                                        \
  }

/// Transposes 16 x 16 words of 32 bits.
CK_INLINE CK_TARGET_AVX512 void ck_transpose_words(ck_words rows[16]) {
  ck_words low[8], high[8];
  _Pragma("clang loop unroll(full)") for (int i = 0; i < 8; i++) {
    low[i] = _mm512_unpacklo_epi32(rows[2 * i], rows[2 * i + 1]);
    high[i] = _mm512_unpackhi_epi32(rows[2 * i], rows[2 * i + 1]);
  }
  CK_TRANSPOSE_UNITS(low)
  CK_TRANSPOSE_UNITS(high)
  // Unit i of `low` came from word 4 (i / 2) + i % 2 of each row, of `high` from the word two further.
  _Pragma("clang loop unroll(full)") for (int i = 0; i < 8; i++) {
    rows[4 * (i / 2) + i % 2] = low[i];
    rows[4 * (i / 2) + i % 2 + 2] = high[i];
  }
}
#endif
