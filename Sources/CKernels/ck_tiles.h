// Intel's matrix registers (AMX): eight tiles of up to 16 rows of 64 bytes.
//
// Four hold sums, 16 rows by 16 outputs each: two above, two below. Two hold the left factor's rows, above and below, and two
// the right factor's blocks of 16 outputs.
#pragma once
#include "ck_dispatch.h"

#if defined(__x86_64__)
#include <immintrin.h>

/// Rows and outputs of a tile of sums.
enum { CK_TILE_SIDE = 16 };

enum { ck_sums_above = 0, ck_sums_above_right = 1, ck_sums_below = 2, ck_sums_below_right = 3 };
enum { ck_left_above = 4, ck_left_below = 5, ck_right = 6, ck_right_second = 7 };

/// Gives the tiles their shapes and clears them: `above` and `below` rows of the left factor. A tile with no rows may not be
/// used.
CK_INLINE CK_TARGET_AMX void ck_tiles_shape(size_t above, size_t below) {
  struct {
    uint8_t palette, start, reserved[14];
    uint16_t row_bytes[16];
    uint8_t rows[16];
  } shapes = {.palette = 1};
  for (int tile = 0; tile < 8; tile++) {
    const int is_below = tile == ck_left_below || tile == ck_sums_below || tile == ck_sums_below_right;
    const size_t rows = tile >= ck_right ? CK_TILE_SIDE : is_below ? below : above;
    shapes.rows[tile] = (uint8_t)rows;
    shapes.row_bytes[tile] = rows == 0 ? 0 : 64;
  }
  _tile_loadconfig(&shapes);
}
#endif
