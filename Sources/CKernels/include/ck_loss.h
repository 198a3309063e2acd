// Cross-entropy of one row of logits.
#pragma once
#include <stddef.h>
#include <stdint.h>

/// For each row: losses[t] = log(sum(exp(logits[t]))) - logits[t, target]; right[t] = 1 where the target's logit is
/// the largest. Where `gradient_scale` is not 0, logits become gradient_scale * (softmax - one_hot), in place.
void ck_cross_entropy(size_t rows, size_t vocabulary, float *logits, const int32_t *targets,
                      float gradient_scale, float *losses, uint8_t *right);
