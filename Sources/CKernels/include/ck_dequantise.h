// Stored values to float32: half precisions and ggml's block formats.
//
// `blocks` counts blocks of the format (1, 32 or 256 values); `from` needs no alignment and may not overlap `to`.
#pragma once
#include <stddef.h>
#include <stdint.h>

void ck_dequantise_f16(size_t blocks, const uint8_t *restrict from, float *restrict to);
void ck_dequantise_bf16(size_t blocks, const uint8_t *restrict from, float *restrict to);
void ck_dequantise_q8_0(size_t blocks, const uint8_t *restrict from, float *restrict to);
void ck_dequantise_q4_0(size_t blocks, const uint8_t *restrict from, float *restrict to);
void ck_dequantise_q4_1(size_t blocks, const uint8_t *restrict from, float *restrict to);
void ck_dequantise_q5_0(size_t blocks, const uint8_t *restrict from, float *restrict to);
void ck_dequantise_q5_1(size_t blocks, const uint8_t *restrict from, float *restrict to);
void ck_dequantise_q2_k(size_t blocks, const uint8_t *restrict from, float *restrict to);
void ck_dequantise_q3_k(size_t blocks, const uint8_t *restrict from, float *restrict to);
void ck_dequantise_q4_k(size_t blocks, const uint8_t *restrict from, float *restrict to);
void ck_dequantise_q5_k(size_t blocks, const uint8_t *restrict from, float *restrict to);
void ck_dequantise_q6_k(size_t blocks, const uint8_t *restrict from, float *restrict to);

/// Blocks of Q5_0 as blocks of Q8_0, `to[blocks * 34]`: the same values.
void ck_q8_0_of_q5_0(size_t blocks, const uint8_t *restrict from, uint8_t *restrict to);

/// Super-blocks of Q4_K as 8 blocks of Q4_1 each, `to[blocks * 160]`, with the same quants: scales and minima, there small
/// integers times a float16, become the nearest float16 (to 2^-11 of themselves).
void ck_q4_1_of_q4_k(size_t blocks, const uint8_t *restrict from, uint8_t *restrict to);
