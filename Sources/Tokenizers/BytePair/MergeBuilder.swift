/// Builds a table of merges from their spellings, in order of rank.
struct MergeBuilder {
  let vocabulary: Vocabulary
  /// Where the merges stand, for messages.
  let place: String
  private(set) var table: MergeTable
  /// The number of merges so far, which is the next one's rank.
  private(set) var count = 0
  private var whole: [UInt8] = []

  init(vocabulary: Vocabulary, capacity: Int, place: String) {
    self.vocabulary = vocabulary
    self.place = place
    table = MergeTable(capacity: capacity)
  }

  /// Adds "left right".
  mutating func append(line: [UInt8]) throws(TokenizerError) {
    guard let space = line.firstIndex(of: 0x20), !line[(space + 1)...].contains(0x20) else {
      throw TokenizerError(
        .malformed,
        "\(place): merge \(count) '\(String(decoding: line, as: UTF8.self))' is not two parts")
    }
    try append(line, left: 0..<space, right: space + 1..<line.count)
  }

  /// Adds the merge of two spellings, ranges of `bytes`.
  mutating func append(
    _ bytes: [UInt8], left: Range<Int>, right: Range<Int>
  ) throws(TokenizerError) {
    guard count < MergeTable.limit else {
      throw TokenizerError(.tooLarge, "\(place): more than \(MergeTable.limit) merges")
    }
    guard let leftToken = vocabulary.id(of: bytes, left) else { throw unknown(bytes[left]) }
    guard let rightToken = vocabulary.id(of: bytes, right) else { throw unknown(bytes[right]) }
    whole.removeAll(keepingCapacity: true)
    whole.append(contentsOf: bytes[left])
    whole.append(contentsOf: bytes[right])
    guard let token = vocabulary.id(of: whole, 0..<whole.count) else { throw unknown(whole[...]) }
    table.insert(
      leftToken, rightToken, rank: UInt32(truncatingIfNeeded: count), into: token)
    count += 1
  }

  private func unknown(_ spelling: ArraySlice<UInt8>) -> TokenizerError {
    TokenizerError(
      .inconsistent,
      "\(place): merge \(count) names '\(String(decoding: spelling, as: UTF8.self))', "
        + "which is not in the vocabulary")
  }
}
