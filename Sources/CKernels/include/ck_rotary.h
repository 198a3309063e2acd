// Rotary position embedding (Su et al., 2021), the half-split layout of Hugging Face checkpoints.
#pragma once
#include <stddef.h>

/// Rotates each head of each row in place: (a, b) -> (a cos - b sin, b cos + a sin), a and b being the head's halves.
/// x: (rows, heads * head_size); cosine, sine: (rows, head_size / 2). `direction` is 1, or -1 to rotate back.
void ck_rotary(size_t rows, size_t heads, size_t head_size, float *x, const float *cosine, const float *sine,
               float direction);
