#include "ck_cached.h"

#include "ck_attention.h"
#include "ck_bf16.h"
#include "ck_f16.h"

/// The first key of the first panel that a row at `position` sees something of.
static size_t first_key(const ck_cached_shape *shape, size_t position) {
  size_t oldest = position + 1 > shape->window ? position + 1 - shape->window : 0;
  return oldest / CK_BF16_PANEL * CK_BF16_PANEL;
}

size_t ck_attend_cached_bytes(const ck_cached_shape *shape, size_t position) {
  size_t count = position + 1 - first_key(shape, position);
  size_t narrow = shape->format == CK_GROW_BF16 ? ck_bf16_filled(count) + ck_bf16_filled(shape->head_size) : 0;
  return shape->heads * (count * sizeof(float) + narrow * sizeof(uint16_t));
}

/// With float16, whose left factors are floats.
static void attend_f16(const ck_cached_shape *shape, const ck_cached_row *row, size_t first, size_t count,
                       const float *queries, const uint16_t *keys, const uint16_t *values, float *scores, float *out) {
  const size_t heads = shape->heads, size = shape->head_size;
  ck_f16_product(heads, CK_BF16_PANEL, count, queries, size, keys, shape->key_panel_stride, size, scores, count);
  for (size_t head = 0; head < heads; head++) {
    float unused;
    ck_masked_softmax(1, count, scores + head * count, shape->scale, row->position, first, shape->window, &unused, 1);
  }
  ck_f16_product(heads, shape->value_width, size, scores, count, values, row->value_panel_stride, count, out, size);
}

static void attend_bf16(const ck_cached_shape *shape, const ck_cached_row *row, size_t first, size_t count,
                        const float *queries, const uint16_t *keys, const uint16_t *values, float *scores, float *out) {
  const size_t heads = shape->heads, size = shape->head_size;
  const size_t stride = ck_bf16_filled(count), query_stride = ck_bf16_filled(size);
  uint16_t *left = (uint16_t *)(scores + heads * count), *narrow = left + heads * query_stride;
  ck_bf16_rows(heads, size, queries, size, left, query_stride);
  ck_bf16_term term = {left, query_stride, keys, shape->key_panel_stride, (size + 1) / 2 * 2};
  ck_bf16_product(heads, CK_BF16_PANEL, count, 1, &term, NULL, 0, scores, count);
  for (size_t head = 0; head < heads; head++) {
    float unused;
    ck_masked_softmax_narrow(1, count, scores + head * count, shape->scale, row->position, first, shape->window,
                             &unused, 1, narrow + head * stride, stride);
  }
  term = (ck_bf16_term){narrow, stride, values, row->value_panel_stride, (count + 1) / 2 * 2};
  ck_bf16_product(heads, shape->value_width, size, 1, &term, NULL, 0, out, size);
}

void ck_attend_cached(const ck_cached_shape *shape, const ck_cached_row *row, size_t key_head, void *scratch) {
  const size_t size = shape->head_size, first = first_key(shape, row->position);
  uint16_t *keys = row->keys + key_head * row->head_stride, *values = row->values + key_head * row->head_stride;
  if (row->key) {
    ck_grow_insert_outputs(shape->format, 1, size, row->key + key_head * size, 0, row->position, keys,
                           shape->key_panel_stride);
    ck_grow_insert_inputs(shape->format, 1, shape->value_width, size, row->value + key_head * size, 0, row->position,
                          values, row->value_panel_stride);
  }
  const size_t place = key_head * shape->heads * size;
  (shape->format == CK_GROW_F16 ? attend_f16 : attend_bf16)(
      shape, row, first, row->position + 1 - first, row->queries + place,
      keys + first / CK_BF16_PANEL * shape->key_panel_stride, values + first * shape->value_width, scratch,
      row->out + place);
}
