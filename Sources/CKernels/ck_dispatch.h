// One body, one variant for each instruction set, one way in.
//
// A family writes `CK_INLINE void ck_name_body(...)` in plain C and then
//   CK_KERNEL(ck_name, (size_t n, const float *x), (n, x))
// which compiles the body three times, with the compiler's vectoriser set free by `CK_FAST_MATH`, and defines
// `ck_name`, which calls the variant in use.
#pragma once
#include <stddef.h>
#include <stdint.h>

#include "ck_cpu.h"

#define CK_INLINE static inline __attribute__((always_inline))
#define CK_UNROLL _Pragma("clang loop unroll(full)")
#define CK_FAST_MATH _Pragma("clang fp reassociate(on) contract(fast)")

/// A mask of the first `count` of 16 lanes, or of all.
CK_INLINE uint16_t ck_first_lanes(size_t count) { return (uint16_t)(count >= 16 ? 0xFFFF : (1u << count) - 1); }

#if defined(__x86_64__)
#define CK_TARGET_AVX2 __attribute__((target("avx2,fma,f16c,bmi2")))
#define CK_TARGET_AVX512                                                            \
  __attribute__((target("avx2,fma,f16c,bmi2,avx512f,avx512bw,avx512dq,avx512vl"), \
                 min_vector_width(512)))
#define CK_TARGET_AVX512_VNNI                                                                  \
  __attribute__((target("avx2,fma,f16c,bmi2,avx512f,avx512bw,avx512dq,avx512vl,avx512vnni"), \
                 min_vector_width(512)))
#define CK_TARGET_AVX512_BF16                                                                             \
  __attribute__((target("avx2,fma,f16c,bmi2,avx512f,avx512bw,avx512dq,avx512vl,avx512vnni,avx512bf16"), \
                 min_vector_width(512)))
#define CK_TARGET_AMX                                                                                    \
  __attribute__((target("avx2,fma,f16c,bmi2,avx512f,avx512bw,avx512dq,avx512vl,avx512vnni,avx512bf16," \
                        "amx-tile,amx-bf16"),                                                           \
                 min_vector_width(512)))
/// Defines `name`, which calls the variant in use of `name_portable`, `name_avx2` and `name_avx512`.
#define CK_DISPATCH(name, parameters, arguments)                           \
  void name parameters {                                                   \
    ck_variant variant = ck_current_variant();                             \
    if (variant >= CK_AVX512) {                                            \
      name##_avx512 arguments;                                             \
    } else if (variant == CK_AVX2) {                                       \
      name##_avx2 arguments;                                               \
    } else {                                                               \
      name##_portable arguments;                                           \
    }                                                                      \
  }
/// CK_KERNEL where the family has an AVX-512 variant of its own.
#define CK_KERNEL_WIDE(name, parameters, arguments)                            \
  static void name##_portable parameters { name##_body arguments; }            \
  CK_TARGET_AVX2 static void name##_avx2 parameters { name##_body arguments; } \
  CK_DISPATCH(name, parameters, arguments)
#define CK_KERNEL(name, parameters, arguments)                                     \
  CK_TARGET_AVX512 static void name##_avx512 parameters { name##_body arguments; } \
  CK_KERNEL_WIDE(name, parameters, arguments)
#else
#define CK_KERNEL_WIDE(name, parameters, arguments) CK_KERNEL(name, parameters, arguments)
#define CK_KERNEL(name, parameters, arguments) \
  void name parameters { name##_body arguments; }
#endif
