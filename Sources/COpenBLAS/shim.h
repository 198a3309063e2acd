#pragma once
#include <cblas.h>

// LAPACK's thin singular value decomposition by divide and conquer, in OpenBLAS without a header of its own.
void sgesdd_(const char *jobz, const int *m, const int *n, float *a, const int *lda, float *s, float *u,
             const int *ldu, float *vt, const int *ldvt, float *work, const int *lwork, int *iwork,
             int *info);
