/// Remembers the tokens of words that were seen before; bounded, and emptied when it is full.
struct WordCache: Sendable {
  /// Longer words are not kept.
  static let longestWord = 48
  private static let slotCount = 1 << 15
  private static let entryLimit = slotCount / 2

  private struct Entry {
    var hash: UInt64
    var keyStart: Int32
    var idStart: Int32
    var keyLength: Int16
    var idCount: Int16
  }

  private var slots = [Int32](repeating: -1, count: slotCount)
  private var entries: [Entry] = []
  private var keys: [UInt8] = []
  private var ids: [Token] = []
  private let seed = ByteHash.seed

  /// The hash by which a word is looked for and kept.
  @inline(__always)
  func hash(_ bytes: [UInt8], _ range: Range<Int>) -> UInt64 {
    ByteHash.of(bytes, range, seed: seed)
  }

  /// Appends the word's tokens to `output`; false where the word is not known.
  @inline(__always)
  func append(
    _ bytes: [UInt8], _ range: Range<Int>, hash: UInt64, to output: inout [Token]
  ) -> Bool {
    let mask = WordCache.slotCount - 1
    var slot = Int(truncatingIfNeeded: hash) & mask
    while slots[slot] >= 0 {
      let entry = entries[Int(slots[slot])]
      if entry.hash == hash, Int(entry.keyLength) == range.count {
        var key = Int(entry.keyStart)
        var isEqual = true
        for index in range {
          if keys[key] != bytes[index] {
            isEqual = false
            break
          }
          key += 1
        }
        if isEqual {
          let start = Int(entry.idStart)
          for index in start..<start + Int(entry.idCount) { output.append(ids[index]) }
          return true
        }
      }
      slot = (slot + 1) & mask
    }
    return false
  }

  /// Keeps the tokens of a word that is not known yet.
  mutating func insert(
    _ bytes: [UInt8], _ range: Range<Int>, hash: UInt64, ids newIDs: ArraySlice<Token>
  ) {
    if entries.count == WordCache.entryLimit {
      for slot in slots.indices { slots[slot] = -1 }
      entries.removeAll(keepingCapacity: true)
      keys.removeAll(keepingCapacity: true)
      ids.removeAll(keepingCapacity: true)
    }
    let mask = WordCache.slotCount - 1
    var slot = Int(truncatingIfNeeded: hash) & mask
    while slots[slot] >= 0 { slot = (slot + 1) & mask }
    slots[slot] = Int32(truncatingIfNeeded: entries.count)
    entries.append(
      Entry(
        hash: hash, keyStart: Int32(truncatingIfNeeded: keys.count),
        idStart: Int32(truncatingIfNeeded: ids.count),
        keyLength: Int16(truncatingIfNeeded: range.count),
        idCount: Int16(truncatingIfNeeded: newIDs.count)))
    keys.append(contentsOf: bytes[range])
    ids.append(contentsOf: newIDs)
  }
}
