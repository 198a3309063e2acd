// The kernels that BLAS does not have. One family a header.
#pragma once
#include "ck_cpu.h"
