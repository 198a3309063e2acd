import CKernels
import Tensors

/// A weight in panels beside its values, made from random GGUF blocks (or, as `int8`, from random floats).
struct BlockWeight {
  // swift-format-ignore: AlwaysUseLowerCamelCase
  enum Kind: String, CaseIterable {
    case q8_0
    case q4_0
    case q4_1
    case q5_0
    case q5_1
    /// Blocks of 36 bytes, two scales and 32 signed bytes: what Q6_K's and Q3_K's become.
    case six
    case int8

    var format: ck_block_format {
      switch self {
      case .q8_0, .int8: CK_BLOCKS_8
      case .q4_0: CK_BLOCKS_4
      case .q4_1: CK_BLOCKS_4_1
      case .q5_0: CK_BLOCKS_5
      case .q5_1: CK_BLOCKS_5_1
      case .six: CK_BLOCKS_6
      }
    }

    /// The type of what is packed, where GGUF has it.
    fileprivate var dtype: DType? { DType(rawValue: rawValue.uppercased()) }

    /// Bytes of a block before its quants: scales, and the minimum.
    fileprivate var header: Int {
      switch self {
      case .q4_1, .q5_1, .six: 4
      default: 2
      }
    }

    fileprivate var bytesPerBlock: Int { dtype?.bytesPerBlock ?? 36 }

    /// Bytes of quants at both ends of their range.
    fileprivate var ends: [UInt8] {
      switch self {
      case .q8_0: [0x80, 0x7F]
      case .six: [0xE0, 0x1F]
      default: [0xFF, 0xF0, 0x0F, 0x00]
      }
    }
  }

  let kind: Kind
  let columns: Int
  let blocks: Int
  /// `columns` rows of floats that were packed; output i of a panel is row `order[i]`.
  let source: Matrix
  let order: [Int]
  var panels: [UInt8]

  var panelBytes: Int { blocks * ck_blocks_bytes(kind.format) }
  var panelCount: Int { (columns + 31) / 32 }

  /// - extreme: quants at both ends of their range only.
  /// - scale: the bits of a block's scale and minimum; nil for ordinary ones.
  init(
    _ kind: Kind, columns: Int, blocks: Int, extreme: Bool = false, seed: UInt64 = 3,
    scale: ((Int) -> UInt16)? = nil
  ) {
    var g = SplitMix64(seed: seed)
    let (size, ends) = (kind.bytesPerBlock, kind.ends)
    var bytes = [UInt8](repeating: 0, count: columns * blocks * size)
    for block in 0..<columns * blocks {
      for i in 0..<size {
        let byte = UInt8(truncatingIfNeeded: g.next() >> 8)
        bytes[block * size + i] =
          extreme ? ends[Int(byte) % ends.count] : kind == .six ? (byte & 63) &- 32 : byte
      }
      for half in 0..<kind.header / 2 {
        let ordinary = Float16(g.normal() / 64).bitPattern
        let bits = scale?(kind == .six ? block + half : block) ?? ordinary
        bytes[block * size + 2 * half] = UInt8(bits & 255)
        bytes[block * size + 2 * half + 1] = UInt8(bits >> 8)
      }
    }
    self.kind = kind
    self.columns = columns
    self.blocks = blocks
    let width = blocks * 32
    source =
      switch kind {
      case .int8:
        Matrix(rows: columns, columns: width, (0..<columns * width).map { _ in g.normal() })
      case .six: Matrix(rows: columns, columns: width, Self.values(ofSixes: bytes))
      default:
        Matrix(
          dequantising: Bytes(bytes), dtype: kind.dtype ?? .f32, rows: columns, columns: width)
      }
    order = (0..<columns).map { (7 * $0 + 3) % columns }
    panels = []
    panels = packed(bytes)
  }

  private static func values(ofSixes bytes: [UInt8]) -> [Float] {
    stride(from: 0, to: bytes.count, by: 36).flatMap { start in
      (0..<32).map { i in
        let at = start + 2 * (i / 16)
        let scale = Float16(bitPattern: UInt16(bytes[at]) | UInt16(bytes[at + 1]) << 8)
        return Float(scale) * Float(Int8(bitPattern: bytes[start + 4 + i]))
      }
    }
  }

  private func packed(_ bytes: [UInt8]) -> [UInt8] {
    var panels = [UInt8](repeating: 0x55, count: panelCount * panelBytes)
    let floats = source.values
    for panel in 0..<panelCount {
      let rows = Array(order[32 * panel..<min(columns, 32 * panel + 32)])
      unsafe panels.withUnsafeMutableBufferPointer { all in
        guard let start = all.baseAddress else { return }
        let to = unsafe start + panel * panelBytes
        switch kind {
        case .q8_0: unsafe ck_blocks_pack_q8_0(rows.count, blocks, bytes, rows, to)
        case .q4_0: unsafe ck_blocks_pack_q4_0(rows.count, blocks, bytes, rows, to)
        case .q4_1: unsafe ck_blocks_pack_q4_1(rows.count, blocks, bytes, rows, to)
        case .q5_0: unsafe ck_blocks_pack_q5_0(rows.count, blocks, bytes, rows, to)
        case .q5_1: unsafe ck_blocks_pack_q5_1(rows.count, blocks, bytes, rows, to)
        case .six: unsafe ck_blocks_pack_6(rows.count, blocks, bytes, rows, to)
        case .int8: unsafe ck_blocks_pack_f32(rows.count, blocks, floats, rows, to)
        }
      }
    }
    return panels
  }

  /// One output of the panels, among those that fill the last panel up too.
  func row(_ output: Int) -> [Float] {
    var values = [Float](repeating: .nan, count: blocks * 32)
    let panel = Array(panels[output / 32 * panelBytes..<(output / 32 + 1) * panelBytes])
    unsafe ck_blocks_widen_row(kind.format, blocks, panel, output % 32, &values)
    return values
  }

  /// All blocks turned round, `(block, panel, output / 2, input, output % 2)`.
  func turned() -> [UInt16] {
    var values = [UInt16](repeating: 0x55, count: blocks * panelCount * 1024)
    for block in 0..<blocks {
      let from = Array(panels[(block * ck_blocks_bytes(kind.format))...])
      unsafe values.withUnsafeMutableBufferPointer { all in
        guard let start = all.baseAddress else { return }
        unsafe ck_blocks_widen_bf16(
          kind.format, panelCount, from, panelBytes, start + block * panelCount * 1024)
      }
    }
    return values
  }

  /// The panel of 32 inputs from `32 * block` on, quantised anew: its row k is input `32 * block + k`, of all outputs.
  func turnedPanel(_ block: Int) -> [UInt8] {
    var panel = [UInt8](repeating: 0x55, count: panelCount * ck_blocks_bytes(CK_BLOCKS_8))
    let from = Array(panels[(block * ck_blocks_bytes(kind.format))...])
    unsafe ck_blocks_turn(kind.format, panelCount, from, panelBytes, &panel)
    return panel
  }
}

/// Quantised rows, in 8 bits (one part) or 16 (two).
struct BlockRows {
  let parts: Int
  let width: Int
  var quants: [Int8]
  var facts: [ck_block_facts]

  init(_ x: [Float], rows: Int, blocks: Int, stride: Int, parts: Int = 1) {
    self.parts = parts
    width = blocks * 32
    quants = [Int8](repeating: 0x55, count: rows * parts * blocks * 32)
    facts = [ck_block_facts](
      repeating: ck_block_facts(scale: .nan, sum: 0x55, early_sum: 0x55, scaled_sum: .nan),
      count: rows * blocks)
    unsafe quants.withUnsafeMutableBufferPointer { quants in
      unsafe facts.withUnsafeMutableBufferPointer { facts in
        var to = unsafe ck_block_rows(
          parts: parts, stride: blocks, quants: quants.baseAddress, facts: facts.baseAddress)
        unsafe ck_blocks_quantise(rows, x, stride, &to)
      }
    }
  }

  /// The rows from `row` and `block` on, as a product takes them.
  func from(row: Int, block: Int = 0, _ body: (ck_block_rows) -> Void) {
    var copy = self
    unsafe copy.quants.withUnsafeMutableBufferPointer { quants in
      unsafe copy.facts.withUnsafeMutableBufferPointer { facts in
        let all = unsafe ck_block_rows(
          parts: parts, stride: width / 32, quants: quants.baseAddress, facts: facts.baseAddress)
        unsafe body(ck_block_rows_from(all, row, block))
      }
    }
  }

  /// The whole number that value `k` of a row stands as.
  func quant(_ row: Int, _ k: Int) -> Int {
    let start = row * parts * width + k
    return parts == 1
      ? Int(quants[start]) : 256 * Int(quants[start]) + Int(quants[start + width])
  }
}

/// Runs `body` under every variant that this processor can run, the portable one first.
func underEachVariant(_ body: (ck_variant) throws -> Void) rethrows {
  let best = ck_best_variant()
  defer { _ = ck_force_variant(best) }
  for variant in (0...best.rawValue).map({ ck_variant($0) })
  where ck_force_variant(variant) == 1 {
    try body(variant)
  }
}

/// Rounded to bf16, ties to even.
func rounded(_ x: Float) -> Float {
  let bits = x.bitPattern
  return Float(bitPattern: (bits &+ 0x7FFF &+ (bits >> 16 & 1)) & 0xFFFF_0000)
}
