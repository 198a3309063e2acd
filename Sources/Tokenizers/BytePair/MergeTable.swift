/// The merges: for two neighbouring tokens, the merge's rank and the token that it makes.
///
/// An open-addressing table of integer pairs; the smallest rank is the most urgent.
struct MergeTable: Sendable {
  /// A rank in the upper half, the new token in the lower half; `none` where two tokens never
  /// merge.
  typealias Merge = UInt64
  static let none = Merge.max

  /// Merges are refused beyond this number.
  static let limit = 1 << 24

  private var cells: [UInt64]  // key, merge, key, merge ...; `none` as a key is an empty cell
  private var shift: UInt64
  private let multiplier = ByteHash.multiplier
  /// The number of merges.
  private(set) var count = 0

  /// An empty table with room for `capacity` merges.
  init(capacity: Int) {
    var bits = 4
    while 1 << bits < capacity * 2 { bits += 1 }
    cells = [UInt64](repeating: MergeTable.none, count: 2 << bits)
    shift = UInt64(64 - bits)
  }

  @inline(__always)
  static func rank(_ merge: Merge) -> UInt32 { UInt32(truncatingIfNeeded: merge >> 32) }

  @inline(__always)
  static func token(_ merge: Merge) -> Token { Token(truncatingIfNeeded: merge & 0xffff_ffff) }

  @inline(__always)
  private static func key(_ left: Token, _ right: Token) -> UInt64 {
    UInt64(UInt32(bitPattern: left)) << 32 | UInt64(UInt32(bitPattern: right))
  }

  /// The merge of `left` and `right`, or `none`.
  @inline(__always)
  func merge(_ left: Token, _ right: Token) -> Merge {
    let key = MergeTable.key(left, right)
    let mask = cells.count / 2 - 1
    var slot = Int(truncatingIfNeeded: (key &* multiplier) >> shift)
    while true {
      let found = cells[slot * 2]
      if found == key { return cells[slot * 2 + 1] }
      if found == MergeTable.none { return MergeTable.none }
      slot = (slot + 1) & mask
    }
  }

  /// Adds a merge; the last of two for the same pair stands, as in the `tokenizers` library.
  mutating func insert(_ left: Token, _ right: Token, rank: UInt32, into token: Token) {
    if (count + 1) * 2 > cells.count / 2 { grow() }
    let merge = UInt64(rank) << 32 | UInt64(UInt32(bitPattern: token))
    if place(MergeTable.key(left, right), merge) { count += 1 }
  }

  private mutating func place(_ key: UInt64, _ merge: Merge) -> Bool {
    let mask = cells.count / 2 - 1
    var slot = Int(truncatingIfNeeded: (key &* multiplier) >> shift)
    while cells[slot * 2] != MergeTable.none, cells[slot * 2] != key { slot = (slot + 1) & mask }
    let isNew = cells[slot * 2] == MergeTable.none
    cells[slot * 2] = key
    cells[slot * 2 + 1] = merge
    return isNew
  }

  private mutating func grow() {
    let old = cells
    cells = [UInt64](repeating: MergeTable.none, count: old.count * 2)
    shift -= 1
    for slot in 0..<old.count / 2 where old[slot * 2] != MergeTable.none {
      _ = place(old[slot * 2], old[slot * 2 + 1])
    }
  }

  /// Whether `condition` holds for the two parts of every merge.
  func allSatisfy(_ condition: (_ left: Token, _ right: Token) -> Bool) -> Bool {
    for slot in 0..<cells.count / 2 where cells[slot * 2] != MergeTable.none {
      let key = cells[slot * 2]
      guard
        condition(
          Token(truncatingIfNeeded: key >> 32), Token(truncatingIfNeeded: key & 0xffff_ffff))
      else { return false }
    }
    return true
  }

  /// One merge, spelt out.
  struct Entry: Sendable {
    var left: Token
    var right: Token
    var rank: UInt32
    var token: Token
  }

  /// Every merge, by rank and then by the pair.
  func entries() -> [Entry] {
    var entries: [Entry] = []
    entries.reserveCapacity(count)
    for slot in 0..<cells.count / 2 where cells[slot * 2] != MergeTable.none {
      let key = cells[slot * 2]
      let merge = cells[slot * 2 + 1]
      entries.append(
        Entry(
          left: Token(truncatingIfNeeded: key >> 32),
          right: Token(truncatingIfNeeded: key & 0xffff_ffff), rank: MergeTable.rank(merge),
          token: MergeTable.token(merge)))
    }
    return entries.sorted { ($0.rank, $0.left, $0.right) < ($1.rank, $1.left, $1.right) }
  }
}
