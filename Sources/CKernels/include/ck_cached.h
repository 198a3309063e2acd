// Attention of one row to keys and values that grow (`ck_grow.h`): a step of decoding.
#pragma once
#include "ck_grow.h"

/// What all rows of a call have in common.
typedef struct {
  ck_grow_format format;   ///< In bf16 queries and probabilities are rounded too.
  size_t heads;            ///< Query heads that share a key head.
  size_t head_size;
  float scale;             ///< Of the scores.
  size_t window;           ///< How many keys a query sees, its own included.
  size_t key_panel_stride; ///< Values from one panel of 32 keys to the next.
  size_t value_width;      ///< Outputs in a panel of values.
} ck_cached_shape;

/// One row, and the keys and values of its sequence.
typedef struct {
  size_t position;
  const float *queries;      ///< (key heads, heads, head_size)
  const float *key, *value;  ///< (key heads, head_size): what is written at its position first; NULL where it stands there
  uint16_t *keys, *values;   ///< The first key head's.
  size_t head_stride;        ///< Values from one key head to the next.
  size_t value_panel_stride;
  float *out;                ///< As the queries.
} ck_cached_row;

/// Bytes of scratch, at a cache line's alignment, that a row at `position` needs.
size_t ck_attend_cached_bytes(const ck_cached_shape *shape, size_t position);

/// out = softmax(scale * q k^T) v for the query heads of one key head. The bits are those that the row has in any block of
/// rows: the kernels are the same.
void ck_attend_cached(const ck_cached_shape *shape, const ck_cached_row *row, size_t key_head, void *scratch);
