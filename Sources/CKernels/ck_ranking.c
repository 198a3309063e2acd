#include "ck_ranking.h"

#include "ck_math.h"

enum { block = 4096 };  // values that are added up as floats

CK_INLINE void ck_count_between_in_body(size_t count, const float *x, float low, float high, size_t *found) {
  *found = 0;
  for (size_t first = 0; first < count; first += block) {
    uint32_t here = 0;
    for (size_t i = first; i < count && i < first + block; i++) here += (uint32_t)((x[i] > low) & (x[i] <= high));
    *found += here;
  }
}

CK_INLINE void ck_exponential_mass_of_body(size_t count, const float *x, float top, float scale, float low, double *mass) {
  CK_FAST_MATH
  *mass = 0;
  for (size_t first = 0; first < count; first += block) {
    size_t end = count - first < block ? count : first + block;
    float sum = 0;
    for (size_t i = first; i < end; i++) sum += x[i] > low ? ck_exp((x[i] - top) * scale) : 0.0f;
    *mass += sum;
  }
}

CK_INLINE void ck_find_between_body(size_t count, const float *x, float low, float high, uint32_t *indices) {
  enum { group = 64 };  // that are passed over together where there is none among them
  for (size_t first = 0; first < count; first += group) {
    size_t end = count - first < group ? count : first + group;
    uint32_t any = 0;
    for (size_t i = first; i < end; i++) any |= (uint32_t)((x[i] > low) & (x[i] <= high));
    if (!any) continue;
    for (size_t i = first; i < end; i++) {
      *indices = (uint32_t)i;
      indices += (x[i] > low) & (x[i] <= high);
    }
  }
}

CK_KERNEL(ck_find_between, (size_t count, const float *x, float low, float high, uint32_t *indices),
          (count, x, low, high, indices))
CK_KERNEL(ck_count_between_in, (size_t count, const float *x, float low, float high, size_t *found),
          (count, x, low, high, found))
CK_KERNEL(ck_exponential_mass_of, (size_t count, const float *x, float top, float scale, float low, double *mass),
          (count, x, top, scale, low, mass))

size_t ck_count_between(size_t count, const float *x, float low, float high) {
  size_t found;
  ck_count_between_in(count, x, low, high, &found);
  return found;
}

double ck_exponential_mass(size_t count, const float *x, float top, float scale, float low) {
  double mass;
  ck_exponential_mass_of(count, x, top, scale, low, &mass);
  return mass;
}
