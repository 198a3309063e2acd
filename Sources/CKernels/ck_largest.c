#include "ck_largest.h"

#include <math.h>

#include "ck_dispatch.h"

enum { CK_LANES = 64, CK_BLOCK = 4096 };

/// The largest of some values: lanes side by side, which comparisons do in any order to the same end.
CK_INLINE float ck_top(size_t count, const float *x) {
  float lanes[CK_LANES];
  for (size_t k = 0; k < CK_LANES; k++) lanes[k] = -INFINITY;
  size_t i = 0;
  for (; i + CK_LANES <= count; i += CK_LANES)
    for (size_t k = 0; k < CK_LANES; k++) lanes[k] = x[i + k] > lanes[k] ? x[i + k] : lanes[k];
  for (size_t k = 0; i < count; i++, k++) lanes[k] = x[i] > lanes[k] ? x[i] : lanes[k];
  float top = lanes[0];
  for (size_t k = 1; k < CK_LANES; k++) top = lanes[k] > top ? lanes[k] : top;
  return top;
}

CK_INLINE void ck_largest_body(size_t count, const float *x, uint32_t *index) {
  // Block by block, so that only the block that holds the largest is looked through for its place.
  float top = -INFINITY;
  size_t block = 0;
  for (size_t first = 0; first < count; first += CK_BLOCK) {
    size_t left = count - first;
    float here = ck_top(left < CK_BLOCK ? left : CK_BLOCK, x + first);
    if (here > top) {
      top = here;
      block = first;
    }
  }
  *index = 0;
  for (size_t i = block; i < count && i < block + CK_BLOCK; i++) {
    if (x[i] == top) {
      *index = (uint32_t)i;
      return;
    }
  }
}

CK_KERNEL(ck_largest, (size_t count, const float *x, uint32_t *index), (count, x, index))
