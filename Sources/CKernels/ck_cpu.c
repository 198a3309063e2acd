#include "ck_cpu.h"

#include <sched.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

static atomic_int current = -1;

#if defined(__x86_64__)
/// What all but the portable variant are compiled for: a virtual machine may hide some of it.
static int has_avx2(void) {
  return __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma") && __builtin_cpu_supports("f16c") &&
         __builtin_cpu_supports("bmi2");
}

/// Whether there are matrix registers, and the system lets this process use them: it wants to be asked, once.
static int has_tiles(void) {
  const int request_permission = 0x1023, tile_data = 18;  // ARCH_REQ_XCOMP_PERM, XFEATURE_XTILEDATA
  return __builtin_cpu_supports("amx-tile") && __builtin_cpu_supports("amx-bf16") &&
         syscall(SYS_arch_prctl, request_permission, tile_data) == 0;
}
#endif

ck_variant ck_best_variant(void) {
#if defined(__x86_64__)
  // The builtin asks the operating system too: it checks that wide registers are saved.
  __builtin_cpu_init();
  if (__builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") &&
      __builtin_cpu_supports("avx512dq") && __builtin_cpu_supports("avx512vl") &&
      has_avx2()) {
    if (!__builtin_cpu_supports("avx512vnni")) return CK_AVX512;
    if (!__builtin_cpu_supports("avx512bf16")) return CK_AVX512_VNNI;
    return has_tiles() ? CK_AMX : CK_AVX512_BF16;
  }
  if (has_avx2()) return CK_AVX2;
#endif
  return CK_PORTABLE;
}

int ck_force_variant(ck_variant variant) {
  if (variant < CK_PORTABLE || variant > ck_best_variant()) return 0;
  atomic_store(&current, (int)variant);
  return 1;
}

static const char *const names[] = {"portable", "avx2", "avx512", "avx512vnni", "avx512bf16", "amx"};

const char *ck_variant_name(ck_variant variant) { return names[variant]; }

/// The variant called `wish` where there is one and the CPU can run it, else -1.
static int granted(const char *wish) {
  for (int variant = CK_PORTABLE; variant <= (int)ck_best_variant(); variant++)
    if (strcmp(wish, names[variant]) == 0) return variant;
  return -1;
}

static const char *wished_variant(void) {
  const char *wish = getenv("LORIKEET_KERNELS");
  return wish && *wish ? wish : NULL;
}

const char *ck_refused(const char *wish) { return wish && granted(wish) < 0 ? wish : NULL; }

const char *ck_refused_variant(void) { return ck_refused(wished_variant()); }

static ck_variant choose(void) {
  const char *wish = wished_variant();
  int variant = wish ? granted(wish) : -1;
  ck_variant chosen = variant >= 0 ? (ck_variant)variant : ck_best_variant();
  atomic_store(&current, (int)chosen);
  return chosen;
}

ck_variant ck_current_variant(void) {
  int variant = atomic_load_explicit(&current, memory_order_relaxed);
  return variant >= 0 ? (ck_variant)variant : choose();
}

int ck_fetches_within_pages(void) {
#if defined(__x86_64__)
  return __builtin_cpu_is("intel");
#else
  return 0;
#endif
}

int ck_cpu_count(void) {
  cpu_set_t set;
  if (sched_getaffinity(0, sizeof set, &set) != 0) return 1;
  return CPU_COUNT(&set);
}
