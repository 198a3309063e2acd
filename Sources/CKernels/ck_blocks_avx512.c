#if defined(__x86_64__)
#include "ck_blocks_lanes.h"

#define WIDE_PANEL ck_blocks_panel_avx512
#define WIDE_TARGET CK_TARGET_AVX512
#define WIDE_OUTPUTS 16
#define WIDE(operation) _mm512_##operation
#define WIDE_LOAD(p) _mm512_loadu_si512(p)
#define WIDE_AND _mm512_and_si512
#define WIDE_ZERO _mm512_setzero_si512()

typedef __m512i wide_int;
typedef __m512 wide_float;

#include "ck_blocks_maddubs.h"
#endif
