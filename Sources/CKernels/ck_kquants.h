// Scales of the K-quants' sub-blocks.
#pragma once
#include "ck_dispatch.h"

/// Scale and minimum of sub-block `j` out of the 12 packed bytes of Q4_K and Q5_K: the first four in six bits
/// each, the rest in four, with their upper two in what the first left over.
CK_INLINE void ck_q4_k_pair(int j, const uint8_t *packed, float d, float m, float *step, float *minimum) {
  int scale, low;
  if (j < 4) {
    scale = packed[j] & 63;
    low = packed[j + 4] & 63;
  } else {
    scale = (packed[j + 4] & 15) | (packed[j - 4] >> 6) << 4;
    low = (packed[j + 4] >> 4) | (packed[j] >> 6) << 4;
  }
  *step = d * (float)scale;
  *minimum = m * (float)low;
}

/// Scale of sub-block `j` out of the 12 packed bytes of Q3_K.
CK_INLINE int ck_q3_k_scale(int j, const uint8_t *packed) {
  int low = j < 8 ? packed[j] & 15 : packed[j - 8] >> 4;
  int high = (packed[8 + j % 4] >> (2 * (j / 4))) & 3;
  return (low | high << 4) - 32;
}
