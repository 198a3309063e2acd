#include "ck_cpu.h"

#include <sched.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

static atomic_int current = -1;

#if defined(__x86_64__)
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
      __builtin_cpu_supports("fma")) {
    if (!__builtin_cpu_supports("avx512vnni")) return CK_AVX512;
    if (!__builtin_cpu_supports("avx512bf16")) return CK_AVX512_VNNI;
    return has_tiles() ? CK_AMX : CK_AVX512_BF16;
  }
  if (__builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma")) return CK_AVX2;
#endif
  return CK_PORTABLE;
}

int ck_force_variant(ck_variant variant) {
  if (variant < CK_PORTABLE || variant > ck_best_variant()) return 0;
  atomic_store(&current, (int)variant);
  return 1;
}

static ck_variant choose(void) {
  ck_variant best = ck_best_variant();
  const char *wish = getenv("LORIKEET_KERNELS");
  ck_variant chosen = best;
  static const char *const names[] = {"portable", "avx2", "avx512", "avx512vnni", "avx512bf16", "amx"};
  for (int variant = CK_PORTABLE; wish && variant <= CK_AMX; variant++)
    if (strcmp(wish, names[variant]) == 0) chosen = (ck_variant)variant;
  if (chosen > best) chosen = best;
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
