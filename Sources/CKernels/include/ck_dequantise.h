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
