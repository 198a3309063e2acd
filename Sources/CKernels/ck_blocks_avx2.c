#if defined(__x86_64__)
#include <immintrin.h>

#include "ck_dispatch.h"

#define WIDE_PANEL ck_blocks_panel_avx2
#define WIDE_TARGET CK_TARGET_AVX2
#define WIDE_OUTPUTS 8
#define WIDE(operation) _mm256_##operation
#define WIDE_LOAD(p) _mm256_loadu_si256((const __m256i *)(p))
#define WIDE_AND _mm256_and_si256
#define WIDE_ZERO _mm256_setzero_si256()

typedef __m256i wide_int;
typedef __m256 wide_float;

CK_INLINE CK_TARGET_AVX2 __m256 load_halves(const uint8_t *from) {
  return _mm256_cvtph_ps(_mm_loadu_si128((const __m128i *)from));
}

#include "ck_blocks_maddubs.h"
#endif
