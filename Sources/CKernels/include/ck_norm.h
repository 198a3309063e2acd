// Root mean square normalisation (Zhang and Sennrich, 2019), rows at a time.
#pragma once
#include <stddef.h>

/// y[t,i] = x[t,i] * inverse_rms[t] * weight[i], inverse_rms[t] = 1 / sqrt(mean(x[t]^2) + epsilon).
/// x, y: (rows, width); inverse_rms: (rows), or NULL where nobody wants it.
void ck_rms_norm(size_t rows, size_t width, const float *x, const float *weight, float epsilon, float *y,
                 float *inverse_rms);

/// dx[t] (+)= inverse_rms * (g - x * inverse_rms^2 * mean(g * x)), g = dy * weight. Adds where `accumulate`.
void ck_rms_norm_backward(size_t rows, size_t width, const float *x, const float *weight,
                          const float *inverse_rms, const float *dy, float *dx, int accumulate);
