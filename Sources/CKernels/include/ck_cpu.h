// Which variant of every kernel runs: chosen once from the CPU, or by LORIKEET_KERNELS, which takes one of the names
// portable, avx2, avx512, avx512vnni, avx512bf16 and amx.
#pragma once

/// Each includes those before it. A family that has nothing faster for a variant runs the one before.
typedef enum {
  CK_PORTABLE = 0,
  CK_AVX2 = 1,
  CK_AVX512 = 2,
  CK_AVX512_VNNI = 3,  ///< Products of 8-bit integers.
  CK_AVX512_BF16 = 4,  ///< Products of bf16 besides.
  CK_AMX = 5           ///< Those of bf16 in matrix registers.
} ck_variant;

/// The variant in use.
ck_variant ck_current_variant(void);

/// The best variant that this CPU can run.
ck_variant ck_best_variant(void);

/// The name that LORIKEET_KERNELS has for a variant.
const char *ck_variant_name(ck_variant variant);

/// What LORIKEET_KERNELS asks for where it cannot be had, being no variant's name or that of one which this CPU cannot
/// run: the best one runs then, and whoever starts a process says so first. NULL where all is well.
const char *ck_refused_variant(void);

/// The same of any name: itself where it cannot be had, else NULL.
const char *ck_refused(const char *wish);

/// Forces a variant (tests); returns 0 and changes nothing where the CPU cannot run it.
int ck_force_variant(ck_variant variant);

/// Whether the processor fetches memory ahead of its readers only to the end of a page of 4 KB.
int ck_fetches_within_pages(void);

/// Processors that this process may run on.
int ck_cpu_count(void);

/// Tells the processor that this is a waiting loop.
static inline void ck_pause(void) {
#if defined(__x86_64__)
  __builtin_ia32_pause();
#elif defined(__aarch64__)
  __asm__ volatile("yield");
#endif
}
