// Weights into panels, once at load.
#include <string.h>

#include "ck_blocks_rounding.h"
#include "ck_blocks_variants.h"

CK_INLINE uint32_t word_at(const uint8_t *from) {
  uint32_t word;
  memcpy(&word, from, 4);
  return word;
}

/// Where a panel's output starts in the source; NULL for those that only fill the panel up.
CK_INLINE const uint8_t *source_row(const uint8_t *from, const size_t *rows, size_t output, size_t columns,
                                    size_t stride) {
  return output < columns ? from + (rows ? rows[output] : output) * stride : NULL;
}

static const uint8_t nothing[36];  // a block of any format but Q8_0's, all zero

/// Whether a block of a file has the scale 0.
CK_INLINE int is_zero(const uint8_t *block) {
  uint16_t scale;
  memcpy(&scale, block, 2);
  return (scale & 0x7fffu) == 0;
}

static const uint16_t one = 0x3c00;  // as a float16

void ck_blocks_pack_q8_0(size_t columns, size_t blocks, const uint8_t *from, const size_t *rows, uint8_t *panel) {
  for (size_t o = 0; o < CK_BLOCK_SIDE; o++) {
    const uint8_t *row = source_row(from, rows, o, columns, 34 * blocks);
    for (size_t b = 0; b < blocks; b++) {
      uint8_t *block = panel + b * ck_blocks_bytes(CK_BLOCKS_8);
      int zero = !row || is_zero(row + 34 * b);
      for (size_t k = 0; k < 8; k++) {
        uint32_t word = (zero ? 0 : word_at(row + 34 * b + 2 + 4 * k)) ^ 0x80808080u;
        memcpy(block + 128 * k + 4 * o, &word, 4);
      }
      memcpy(block + 1024 + 2 * o, zero ? (const void *)&one : row + 34 * b, 2);
    }
  }
}

/// Q4_0 and Q4_1: `header` bytes of float16 come before the quants. In GGUF a byte holds inputs i and i + 16 of one
/// output, in a panel one input of outputs o and o + 16.
CK_INLINE void pack_nibbles(ck_block_format format, size_t header, size_t columns, size_t blocks, const uint8_t *from,
                            const size_t *rows, uint8_t *panel) {
  const size_t size = header + 16;
  const uint32_t low = 0x0f0f0f0fu, zeros = format == CK_BLOCKS_4 ? 0x88888888u : 0;
  for (size_t o = 0; o < 16; o++) {
    const uint8_t *first = source_row(from, rows, o, columns, size * blocks);
    const uint8_t *second = source_row(from, rows, o + 16, columns, size * blocks);
    for (size_t b = 0; b < blocks; b++) {
      const uint8_t *p = first ? first + size * b : nothing, *q = second ? second + size * b : nothing;
      uint8_t *block = panel + b * ck_blocks_bytes(format);
      int p_zero = is_zero(p), q_zero = is_zero(q);
      for (size_t k = 0; k < 4; k++) {
        uint32_t u = p_zero ? zeros : word_at(p + header + 4 * k), v = q_zero ? zeros : word_at(q + header + 4 * k);
        uint32_t early = (u & low) | (v & low) << 4, late = (u >> 4 & low) | (v & ~low);
        memcpy(block + 64 * k + 4 * o, &early, 4);
        memcpy(block + 64 * (k + 4) + 4 * o, &late, 4);
      }
      for (size_t half = 0; half < header / 2; half++) {
        const void *u = half == 0 && p_zero ? (const void *)&one : p + 2 * half;
        const void *v = half == 0 && q_zero ? (const void *)&one : q + 2 * half;
        memcpy(block + 512 + 64 * half + 2 * o, u, 2);
        memcpy(block + 512 + 64 * half + 2 * (o + 16), v, 2);
      }
    }
  }
}

/// Stored quants `q[output][input]` of more than four bits into one block.
CK_INLINE void put_quants(ck_block_format format, uint8_t q[CK_BLOCK_SIDE][CK_BLOCK_SIDE], uint8_t *block) {
  const size_t steps = 8 / (size_t)ck_block_scales(format);  // of four inputs with one scale
  const uint32_t low = 0x0f0f0f0fu, high = 0x01010101u * ((1u << ck_block_upper_bits(format)) - 1);
  for (size_t first = 0; first < 8; first += steps) {
    uint8_t *part = block + first / steps * (ck_blocks_bytes(format) / (8 / steps));
    uint32_t bits[CK_BLOCK_SIDE] = {0};
    for (size_t k = 0; k < steps; k++) {
      const size_t shift = k * (size_t)ck_block_upper_bits(format);
      for (size_t o = 0; o < 16; o++) {
        uint32_t u = word_at(q[o] + 4 * (first + k)), v = word_at(q[o + 16] + 4 * (first + k));
        uint32_t both = (u & low) | (v & low) << 4;
        memcpy(part + sizeof bits + 64 * k + 4 * o, &both, 4);
        bits[o] |= (u >> 4 & high) << shift;
        bits[o + 16] |= (v >> 4 & high) << shift;
      }
    }
    memcpy(part, bits, sizeof bits);
  }
}

/// A block's 32 values of one output as they are stored: of Q5_0 and Q5_1 what is in `block`, a GGUF one, of CK_BLOCKS_6 one of
/// 36 bytes.
CK_INLINE void quants_of(ck_block_format format, const uint8_t *block, uint8_t q[CK_BLOCK_SIDE]) {
  if (format == CK_BLOCKS_6) {
    for (int i = 0; i < CK_BLOCK_SIDE; i++) q[i] = (uint8_t)(block[4 + i] + 32) & 63;
    return;
  }
  const uint8_t *upper = block + (format == CK_BLOCKS_5 ? 2 : 4);
  uint32_t fifth = word_at(upper);
  for (int i = 0; i < 16; i++) {
    q[i] = (uint8_t)((upper[4 + i] & 15) | (fifth >> i & 1) << 4);
    q[i + 16] = (uint8_t)(upper[4 + i] >> 4 | (fifth >> (i + 16) & 1) << 4);
  }
}

/// More than four bits: `size` bytes a block, of which the first are its halves.
CK_INLINE void pack_wide(ck_block_format format, size_t size, size_t columns, size_t blocks, const uint8_t *from,
                         const size_t *rows, uint8_t *panel) {
  const size_t count = (size_t)(ck_block_scales(format) + ck_block_has_minima(format));
  for (size_t b = 0; b < blocks; b++, panel += ck_blocks_bytes(format)) {
    uint8_t q[CK_BLOCK_SIDE][CK_BLOCK_SIDE];
    uint16_t halves[2][CK_BLOCK_SIDE];
    for (size_t o = 0; o < CK_BLOCK_SIDE; o++) {
      const uint8_t *row = source_row(from, rows, o, columns, size * blocks);
      const uint8_t *block = row ? row + size * b : nothing;
      quants_of(format, block, q[o]);
      for (size_t half = 0; half < count; half++) {
        const uint8_t *bits = block + 2 * half;
        if (half < (size_t)ck_block_scales(format) && is_zero(bits)) {
          const size_t inputs = CK_BLOCK_SIDE / (size_t)ck_block_scales(format);
          memset(q[o] + half * inputs, ck_block_offset(format), inputs);
          bits = (const uint8_t *)&one;
        }
        halves[half][o] = (uint16_t)(bits[0] | bits[1] << 8);
      }
    }
    put_quants(format, q, panel);
    memcpy(panel + (ck_block_scales_at(format, panel, 0) - panel), halves[0], sizeof halves[0]);
    // Minima, or the scales of the later inputs.
    if (count == 2) memcpy(panel + ck_blocks_bytes(format) - sizeof halves[1], halves[1], sizeof halves[1]);
  }
}

void ck_blocks_pack_q5_0(size_t columns, size_t blocks, const uint8_t *from, const size_t *rows, uint8_t *panel) {
  pack_wide(CK_BLOCKS_5, 22, columns, blocks, from, rows, panel);
}

void ck_blocks_pack_q5_1(size_t columns, size_t blocks, const uint8_t *from, const size_t *rows, uint8_t *panel) {
  pack_wide(CK_BLOCKS_5_1, 24, columns, blocks, from, rows, panel);
}

void ck_blocks_pack_6(size_t columns, size_t blocks, const uint8_t *from, const size_t *rows, uint8_t *panel) {
  pack_wide(CK_BLOCKS_6, 36, columns, blocks, from, rows, panel);
}

void ck_blocks_pack_q4_0(size_t columns, size_t blocks, const uint8_t *from, const size_t *rows, uint8_t *panel) {
  pack_nibbles(CK_BLOCKS_4, 2, columns, blocks, from, rows, panel);
}

void ck_blocks_pack_q4_1(size_t columns, size_t blocks, const uint8_t *from, const size_t *rows, uint8_t *panel) {
  pack_nibbles(CK_BLOCKS_4_1, 4, columns, blocks, from, rows, panel);
}

CK_INLINE void ck_blocks_pack_f32_body(size_t columns, size_t blocks, const float *from, const size_t *rows,
                                       uint8_t *panel) {
  for (size_t b = 0; b < blocks; b++) {
    uint8_t packed[CK_BLOCK_SIDE][34];
    for (size_t o = 0; o < columns; o++)
      ck_quantise_weights(from + ((rows ? rows[o] : o) * blocks + b) * CK_BLOCK_SIDE, packed[o]);
    ck_blocks_pack_q8_0(columns, 1, packed[0], NULL, panel + b * ck_blocks_bytes(CK_BLOCKS_8));
  }
}

CK_KERNEL(ck_blocks_pack_f32,
          (size_t columns, size_t blocks, const float *from, const size_t *rows, uint8_t *panel),
          (columns, blocks, from, rows, panel))
