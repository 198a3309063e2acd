// The kernels that BLAS does not have. One family a header.
#pragma once
#include "ck_attention.h"
#include "ck_bf16.h"
#include "ck_blocks.h"
#include "ck_cpu.h"
#include "ck_dequantise.h"
#include "ck_loss.h"
#include "ck_norm.h"
#include "ck_outer.h"
#include "ck_rotary.h"
#include "ck_rows.h"
#include "ck_swiglu.h"
#include "ck_vector.h"
