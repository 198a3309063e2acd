// Products of activations with frozen block-quantised weights.
//
// A weight `(out, in)` is held in panels of 32 outputs, the last one filled up with zeros; `in` is a multiple of 32.
// Within a panel, blocks of 32 inputs follow each other. A block holds, at any alignment (64 bytes is fastest):
//
//   CK_BLOCKS_8    1088 bytes  quants `[k / 4: 8][output: 32][k % 4: 4]` as q + 128, then 32 scales
//   CK_BLOCKS_4     576 bytes  quants `[k / 4: 8][output % 16: 16][k % 4: 4]`, outputs 0...15 in the low half of a byte
//                              and 16...31 in the high half, q = 0...15; then 32 scales
//   CK_BLOCKS_4_1   640 bytes  the same, then 32 minima
//   CK_BLOCKS_5     704 bytes  q = 0...31: the fifth bits `[output / 16: 2][output % 16: 16][k % 4: 4]`, bit k / 4 of a byte; the
//                              low four as CK_BLOCKS_4 has them; then 32 scales
//   CK_BLOCKS_5_1   768 bytes  the same, then 32 minima
//   CK_BLOCKS_6     896 bytes  q = 0...63, of inputs 0...15 and then of 16...31: the two upper bits, bits 2 (k / 4 % 4) and the
//                              next of a byte; the low four; then 32 scales
//
// in the order in which a product reads them, as the processor fetches memory ahead. Scales d and minima m are float16; a
// weight is `d * q + m`, or without minima `d * (q - o)` with o = 0, 8, 16 and 32 for 8, 4, 5 and 6 bits. No d is 0: where the
// file's is, it is 1 and all q are as 0. None is infinite or NaN: a base with one is refused when it is added.
//
// Activations are quantised by rows in blocks of 32: `x ~ scale * q`. A product sums a block in integers and adds
// the blocks in their order, one fused multiply-add for each scale: a result has the same bits whichever variant computed it,
// whichever rows it shared the call with, and however panels and rows were split among threads.
#pragma once
#include <stddef.h>
#include <stdint.h>

typedef enum {
  CK_BLOCKS_8 = 0,
  CK_BLOCKS_4 = 1,
  CK_BLOCKS_4_1 = 2,
  CK_BLOCKS_5 = 3,
  CK_BLOCKS_5_1 = 4,
  CK_BLOCKS_6 = 5
} ck_block_format;

/// Outputs of a panel, and inputs of a block.
enum { CK_BLOCK_SIDE = 32 };

/// Bytes of a block of 32 x 32 weights.
static inline size_t ck_blocks_bytes(ck_block_format format) {
  switch (format) {
    case CK_BLOCKS_8: return 1088;
    case CK_BLOCKS_4: return 576;
    case CK_BLOCKS_4_1: return 640;
    case CK_BLOCKS_5: return 704;
    case CK_BLOCKS_5_1: return 768;
    case CK_BLOCKS_6: return 896;
  }
  return 0;
}

/// Packs the rows of one panel, `columns` (at most 32) rows of `blocks` GGUF blocks each; of CK_BLOCKS_6 blocks of 36 bytes:
/// two scales as float16, then 32 signed bytes from -32 to 31.
///
/// - rows: which row of `from` becomes output i of the panel; NULL for row i.
/// - panel: `blocks * ck_blocks_bytes(format)` bytes, all of them written.
void ck_blocks_pack_q8_0(size_t columns, size_t blocks, const uint8_t *from, const size_t *rows, uint8_t *panel);
void ck_blocks_pack_q4_0(size_t columns, size_t blocks, const uint8_t *from, const size_t *rows, uint8_t *panel);
void ck_blocks_pack_q4_1(size_t columns, size_t blocks, const uint8_t *from, const size_t *rows, uint8_t *panel);
void ck_blocks_pack_q5_0(size_t columns, size_t blocks, const uint8_t *from, const size_t *rows, uint8_t *panel);
void ck_blocks_pack_q5_1(size_t columns, size_t blocks, const uint8_t *from, const size_t *rows, uint8_t *panel);
void ck_blocks_pack_6(size_t columns, size_t blocks, const uint8_t *from, const size_t *rows, uint8_t *panel);

/// Quantises and packs one panel out of float rows as `CK_BLOCKS_8`: scale max |w| / 127 (rounded to float16, up
/// where a subnormal scale could not reach max |w|), quants to the nearest, ties to even.
void ck_blocks_pack_f32(size_t columns, size_t blocks, const float *from, const size_t *rows, uint8_t *panel);

/// One output (0...31) of a panel as floats, `to[blocks * 32]`: the values that `ck_dequantise_*` gives.
void ck_blocks_widen_row(ck_block_format format, size_t blocks, const uint8_t *panel, size_t output, float *to);

/// Blocks turned round as bfloat16 (to nearest, ties to even), `to[count][output / 2: 16][input: 32][output % 2: 2]`.
///
/// Blocks lie `stride` bytes apart: the bytes of a panel to walk all outputs of 32 inputs.
void ck_blocks_widen_bf16(ck_block_format format, size_t count, const uint8_t *from, size_t stride, uint16_t *to);

/// Blocks turned round as `CK_BLOCKS_8`: one panel of 32 inputs, whose block i holds the outputs of block i of `from`,
/// `to[count * ck_blocks_bytes(CK_BLOCKS_8)]`. Each input's 32 outputs are quantised as `ck_blocks_pack_f32` does it.
///
/// Blocks lie `stride` bytes apart: the bytes of a panel to walk all outputs of 32 inputs.
void ck_blocks_turn(ck_block_format format, size_t count, const uint8_t *from, size_t stride, uint8_t *to);

/// What goes for a block of quantised activations.
typedef struct {
  float scale;
  int32_t sum;  // of its quants
  int32_t early_sum;  // of the first 16
  float scaled_sum;
} ck_block_facts;

/// Rows of quantised activations.
typedef struct {
  size_t parts;   // 1 for 8 bits, 2 for 16
  size_t stride;  // blocks from one row to the next
  int8_t *quants;  // (rows, parts, stride * 32): a row's high bytes and then its low ones
  ck_block_facts *facts;  // (rows, stride)
} ck_block_rows;

/// The same from a row and one of its blocks on.
static inline ck_block_rows ck_block_rows_from(ck_block_rows all, size_t row, size_t block) {
  return (ck_block_rows){all.parts, all.stride, all.quants + (row * all.parts * all.stride + block) * CK_BLOCK_SIDE,
                         all.facts + row * all.stride + block};
}

/// Quantises rows of `to->stride` blocks of 32, each value to the nearest, ties to even.
///
/// In 8 bits a block's scale is max |x| / 127. In 16 bits, `x ~ scale * q`, `q = 256 * high + low`, it is the least power of two
/// for which no q is beyond 32512, so that a product with it is an exponent's sum.
/// A block with an infinity, a NaN or, in 16 bits, a value of 2^100 gets what is not finite as its scale, and in 16 bits all blocks
/// of its row get NaN as their scaled sum, so that the products show it. A block below 2^-100 (in 16 bits 2^-80) is zero.
/// - x: `(rows, to->stride * 32)`, rows `x_stride` apart.
void ck_blocks_quantise(size_t rows, const float *x, size_t x_stride, const ck_block_rows *to);

/// Bytes that are read soon.
typedef struct {
  const void *from;
  size_t bytes;
} ck_range;

/// A part of some ranges, one behind the other: `lines` of 64 bytes, from line `first` on.
typedef struct {
  const ck_range *ranges;
  size_t count, first, lines;
} ck_ahead;

/// `y = initial + x W^T` for the outputs of consecutive panels.
///
/// - columns: outputs, from the first panel's first; the last panel may be used in part.
/// - blocks: of a panel.
/// - x: as `ck_blocks_quantise` leaves them, from some row and block on.
/// - initial: `(rows, columns)`, rows `initial_stride` apart, may be `y`; NULL for zero.
/// - y: `(rows, columns)`, rows `y_stride` apart.
/// - ahead: what is brought into the second-level cache meanwhile, where the rows are so many that memory would be idle and the
///   variant does it; NULL for nothing.
void ck_blocks_product(ck_block_format format, size_t rows, size_t columns, size_t blocks, ck_block_rows x,
                       const uint8_t *panels, const float *initial, size_t initial_stride, float *y, size_t y_stride,
                       const ck_ahead *ahead);
