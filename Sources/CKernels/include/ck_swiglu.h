// The gated feed-forward's activation (Shazeer, 2020): y = silu(gate) * up.
#pragma once
#include <stddef.h>

/// y = gate * sigmoid(gate) * up, element by element.
void ck_swiglu(size_t count, const float *gate, const float *up, float *y);

/// dgate (+)= dy * up * (s + gate * s * (1 - s)), dup (+)= dy * gate * s, s = sigmoid(gate).
void ck_swiglu_backward(size_t count, const float *gate, const float *up, const float *dy, float *dgate,
                        float *dup, int accumulate);
