#pragma once
#include <cblas.h>
#include <stdlib.h>
#include <string.h>

// LAPACK's thin singular value decomposition by divide and conquer, in OpenBLAS without a header of its own.
void sgesdd_(const char *jobz, const int *m, const int *n, float *a, const int *lda, float *s, float *u,
             const int *ldu, float *vt, const int *ldvt, float *work, const int *lwork, int *iwork,
             int *info);

// The choice of kernels at the library's start, where it has kernels for several processors.
__attribute__((weak)) void gotoblas_dynamic_init(void);
__attribute__((weak)) void gotoblas_dynamic_quit(void);

/// Lets OpenBLAS use the kernels of processor `core` where it did not know the one it runs on: a processor newer than the library
/// gets those of 2004 (`Prescott`), without AVX, at a quarter of the speed. OPENBLAS_CORETYPE stays the user's word.
///
/// Before the first call, and by one thread.
static inline void openblas_replace_unknown_core(const char *core) {
  if (!gotoblas_dynamic_init || !gotoblas_dynamic_quit || getenv("OPENBLAS_CORETYPE")) return;
  if (strcmp(openblas_get_corename(), "Prescott") != 0) return;
  setenv("OPENBLAS_CORETYPE", core, 1);
  gotoblas_dynamic_quit();
  gotoblas_dynamic_init();
  unsetenv("OPENBLAS_CORETYPE");
}
