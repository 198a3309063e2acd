#include "ck_grow.h"

#include <string.h>

#include "ck_bf16.h"
#include "ck_f16.h"
#include "ck_math.h"

enum { chunk = 64 };  // values that are rounded at once; even

CK_INLINE void ck_grow_round(ck_grow_format format, size_t count, const float *from, uint16_t *to) {
  if (format == CK_GROW_F16)
    ck_f16_round(count, from, to);
  else
    for (size_t i = 0; i < count; i++) to[i] = ck_narrowed(from[i]);
}

CK_INLINE void ck_grow_insert_outputs_body(ck_grow_format format, size_t rows, size_t inputs, const float *from,
                                           size_t from_stride, size_t first, uint16_t *panels, size_t panel_stride) {
  for (size_t t = 0; t < rows; t++) {
    const float *x = from + t * from_stride;
    size_t output = first + t;
    uint16_t *to = panels + output / CK_BF16_PANEL * panel_stride + output % CK_BF16_PANEL * 2;
    for (size_t begin = 0; begin < inputs; begin += chunk) {
      uint16_t values[chunk + 1];
      size_t count = inputs - begin < chunk ? inputs - begin : chunk;
      ck_grow_round(format, count, x + begin, values);
      values[count] = 0;
      for (size_t k = 0; k < count; k += 2, to += 2 * CK_BF16_PANEL) memcpy(to, values + k, 4);
    }
  }
}

CK_INLINE void ck_grow_insert_inputs_body(ck_grow_format format, size_t rows, size_t width, size_t outputs,
                                          const float *from, size_t from_stride, size_t first, uint16_t *panels,
                                          size_t panel_stride) {
  for (size_t column = 0; column < outputs; column += width, panels += panel_stride) {
    size_t take = outputs - column < width ? outputs - column : width;
    const float *x = from + column;
    uint16_t low[CK_BF16_PANEL], high[CK_BF16_PANEL] = {0};
    size_t t = 0;
    if (first % 2 == 1 && rows > 0) {
      uint16_t *to = panels + first / 2 * 2 * width + 1;
      ck_grow_round(format, take, x, low);
      for (size_t o = 0; o < take; o++) to[2 * o] = low[o];
      t = 1;
    }
    for (; t < rows; t += 2) {
      uint16_t *to = panels + (first + t) * width;
      uint32_t pairs[CK_BF16_PANEL];
      ck_grow_round(format, take, x + t * from_stride, low);
      if (t + 1 < rows)
        ck_grow_round(format, take, x + (t + 1) * from_stride, high);
      else
        memset(high, 0, sizeof high);
      for (size_t o = 0; o < take; o++) pairs[o] = (uint32_t)low[o] | (uint32_t)high[o] << 16;
      memcpy(to, pairs, take * 4);
    }
  }
}

void ck_grow_copy_outputs(size_t count, size_t inputs, const uint16_t *from, size_t from_first, uint16_t *to,
                          size_t to_first, size_t panel_stride) {
  if (from_first % CK_BF16_PANEL == 0 && to_first % CK_BF16_PANEL == 0) {
    size_t panels = (count + CK_BF16_PANEL - 1) / CK_BF16_PANEL;
    memcpy(to + to_first / CK_BF16_PANEL * panel_stride, from + from_first / CK_BF16_PANEL * panel_stride,
           panels * panel_stride * 2);
    return;
  }
  for (size_t t = 0; t < count; t++) {
    size_t a = from_first + t, b = to_first + t;
    const uint16_t *x = from + a / CK_BF16_PANEL * panel_stride + a % CK_BF16_PANEL * 2;
    uint16_t *y = to + b / CK_BF16_PANEL * panel_stride + b % CK_BF16_PANEL * 2;
    for (size_t k = 0; k < inputs; k += 2) memcpy(y + k * CK_BF16_PANEL, x + k * CK_BF16_PANEL, 4);
  }
}

void ck_grow_copy_inputs(size_t count, size_t width, const uint16_t *from, size_t from_first, uint16_t *to,
                         size_t to_first) {
  if (from_first % 2 == 0 && to_first % 2 == 0) {
    memcpy(to + to_first * width, from + from_first * width, (count + 1) / 2 * 4 * width);
    return;
  }
  for (size_t t = 0; t < count; t++) {
    size_t a = from_first + t, b = to_first + t;
    const uint16_t *x = from + a / 2 * 2 * width + a % 2;
    uint16_t *y = to + b / 2 * 2 * width + b % 2;
    for (size_t o = 0; o < width; o++) y[2 * o] = x[2 * o];
  }
}

CK_KERNEL(ck_grow_insert_outputs,
          (ck_grow_format format, size_t rows, size_t inputs, const float *restrict from, size_t from_stride,
           size_t first, uint16_t *restrict panels, size_t panel_stride),
          (format, rows, inputs, from, from_stride, first, panels, panel_stride))
CK_KERNEL(ck_grow_insert_inputs,
          (ck_grow_format format, size_t rows, size_t width, size_t outputs, const float *restrict from,
           size_t from_stride, size_t first, uint16_t *restrict panels, size_t panel_stride),
          (format, rows, width, outputs, from, from_stride, first, panels, panel_stride))
