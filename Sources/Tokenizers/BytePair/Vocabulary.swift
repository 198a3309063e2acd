/// Spellings by id and ids by spelling, compared byte by byte.
///
/// Swift's `String` compares by canonical equivalence, by which two tokens of one vocabulary may be
/// equal; bytes never confuse them.
struct Vocabulary: Sendable {
  /// Ids at and beyond this are refused: the largest vocabularies in use have about 300,000.
  static let idLimit = 1 << 22

  private var arena: [UInt8] = []
  private var starts: [Int32] = []
  private var lengths: [Int32] = []  // -1: no token has this id
  private var slots: [UInt64] = []  // the hash's upper half, then id + 1; 0 is empty
  private let seed = ByteHash.seed
  /// The number of tokens.
  private(set) var count = 0

  /// An empty vocabulary with room for `capacity` tokens.
  init(capacity: Int) {
    var size = 16
    while size < capacity * 2 { size *= 2 }
    slots = [UInt64](repeating: 0, count: size)
    starts.reserveCapacity(capacity)
    lengths.reserveCapacity(capacity)
    arena.reserveCapacity(capacity * 8)
  }

  /// One more than the largest id.
  var idCount: Int { starts.count }

  /// The bytes of a token's spelling, or nil for an id that has none.
  func spelling(_ id: Int) -> ArraySlice<UInt8>? {
    guard id >= 0, id < lengths.count, lengths[id] >= 0 else { return nil }
    let start = Int(starts[id])
    return arena[start..<start + Int(lengths[id])]
  }

  /// Where a token's spelling lies in `bytes`; empty for an id that has none.
  func range(_ id: Int) -> Range<Int> {
    guard id >= 0, id < lengths.count, lengths[id] > 0 else { return 0..<0 }
    let start = Int(starts[id])
    return start..<start + Int(lengths[id])
  }

  /// All the spellings, one after the other.
  var bytes: [UInt8] { arena }

  /// The id of the token spelt `bytes[range]`.
  @inline(__always)
  func id(of bytes: [UInt8], _ range: Range<Int>) -> Token? {
    let hash = ByteHash.of(bytes, range, seed: seed)
    let mask = slots.count - 1
    var slot = Int(truncatingIfNeeded: hash) & mask
    while slots[slot] != 0 {
      let entry = slots[slot]
      if entry >> 32 == hash >> 32 {
        let id = Int(entry & 0xffff_ffff) - 1
        if Int(lengths[id]) == range.count, matches(Int(starts[id]), bytes, range) {
          return Token(truncatingIfNeeded: id)
        }
      }
      slot = (slot + 1) & mask
    }
    return nil
  }

  /// The id of the token spelt `text`.
  func id(of text: String) -> Token? {
    let bytes = Array(text.utf8)
    return id(of: bytes, 0..<bytes.count)
  }

  /// The id of the token spelt `bytes`.
  func id(of bytes: [UInt8]) -> Token? { id(of: bytes, 0..<bytes.count) }

  @inline(__always)
  private func matches(_ start: Int, _ bytes: [UInt8], _ range: Range<Int>) -> Bool {
    var left = start
    for right in range {
      if arena[left] != bytes[right] { return false }
      left += 1
    }
    return true
  }

  /// Gives `id` the spelling `bytes[range]`.
  mutating func insert(
    _ bytes: [UInt8], _ range: Range<Int>, id: Int
  ) throws(TokenizerError) {
    guard id >= 0, id < Vocabulary.idLimit else {
      throw TokenizerError(
        .tooLarge, "token id \(id) is outside 0..<\(Vocabulary.idLimit)")
    }
    guard arena.count < Int(Int32.max) - range.count else {
      throw TokenizerError(.tooLarge, "the vocabulary's spellings pass 2 GiB")
    }
    if let other = self.id(of: bytes, range) {
      throw TokenizerError(
        .inconsistent,
        "token '\(String(decoding: bytes[range], as: UTF8.self))' has two ids, \(other) and \(id)")
    }
    while starts.count <= id {
      starts.append(0)
      lengths.append(-1)
    }
    guard lengths[id] < 0 else {
      let first = String(decoding: spelling(id) ?? [], as: UTF8.self)
      let second = String(decoding: bytes[range], as: UTF8.self)
      throw TokenizerError(.inconsistent, "tokens '\(first)' and '\(second)' share the id \(id)")
    }
    if (count + 1) * 2 > slots.count { grow() }
    starts[id] = Int32(truncatingIfNeeded: arena.count)
    lengths[id] = Int32(truncatingIfNeeded: range.count)
    arena.append(contentsOf: bytes[range])
    count += 1
    place(ByteHash.of(bytes, range, seed: seed), id: id)
  }

  private mutating func place(_ hash: UInt64, id: Int) {
    let mask = slots.count - 1
    var slot = Int(truncatingIfNeeded: hash) & mask
    while slots[slot] != 0 { slot = (slot + 1) & mask }
    slots[slot] = (hash >> 32) << 32 | UInt64(id + 1)
  }

  /// Doubles the table; called before a token is added.
  private mutating func grow() {
    slots = [UInt64](repeating: 0, count: slots.count * 2)
    for id in 0..<starts.count where lengths[id] >= 0 {
      let start = Int(starts[id])
      place(ByteHash.of(arena, start..<start + Int(lengths[id]), seed: seed), id: id)
    }
  }
}
