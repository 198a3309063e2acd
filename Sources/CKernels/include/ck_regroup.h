// K-quants as the blocks of 32 that panels are packed out of, with the same quants.
//
// Scales and minima, there small integers times a float16, become the nearest float16 (to 2^-11 of themselves). `blocks` counts
// super-blocks of 256 values, each of which becomes 8 blocks; `from` needs no alignment and may not overlap `to`.
#pragma once
#include <stddef.h>
#include <stdint.h>

/// Q4_K as Q4_1, `to[blocks * 160]`.
void ck_q4_1_of_q4_k(size_t blocks, const uint8_t *restrict from, uint8_t *restrict to);

/// Q5_K as Q5_1, `to[blocks * 192]`.
void ck_q5_1_of_q5_k(size_t blocks, const uint8_t *restrict from, uint8_t *restrict to);

/// Q6_K, and Q3_K, as blocks of two scales and 32 signed bytes (`ck_blocks_pack_6`), `to[blocks * 288]`.
void ck_6_of_q6_k(size_t blocks, const uint8_t *restrict from, uint8_t *restrict to);
void ck_6_of_q3_k(size_t blocks, const uint8_t *restrict from, uint8_t *restrict to);
