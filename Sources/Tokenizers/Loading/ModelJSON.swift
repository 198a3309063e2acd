/// Reads the "model" of tokenizer.json: vocabulary, merges and the flags of BPE.
enum ModelJSON {
  static func model(
    _ model: JSONCursor, alphabet: BytePairModel.Alphabet
  ) throws(TokenizerError) -> BytePairModel {
    let type = try model.member("type")?.string() ?? "BPE"
    guard type == "BPE" else { throw model.unsupported("model type '\(type)'") }
    for name in ["continuing_subword_prefix", "end_of_word_suffix"] {
      if let affix = try model.member(name), try !affix.bytes().isEmpty {
        throw affix.unsupported("'\(try affix.string())'")
      }
    }
    if let dropout = try model.member("dropout"), try dropout.number() != 0 {
      throw dropout.unsupported("random dropout of merges")
    }
    let vocabulary = try vocabulary(try model.required("vocab"))
    let merges = try merges(try model.required("merges"), vocabulary: vocabulary)
    var unknown: BytePairModel.Unknown?
    if let token = try model.member("unk_token") {
      guard let id = vocabulary.id(of: try token.bytes()) else {
        throw TokenizerError(
          .inconsistent, "\(token.place) '\(try token.string())' is not in the vocabulary")
      }
      unknown = BytePairModel.Unknown(
        token: id, isFused: try model.flag("fuse_unk", default: false))
    }
    return try BytePairModel(
      alphabet: alphabet, vocabulary: vocabulary, merges: merges, unknown: unknown,
      hasByteFallback: try model.flag("byte_fallback", default: false),
      ignoresMerges: try model.flag("ignore_merges", default: false))
  }

  private static func vocabulary(_ cursor: JSONCursor) throws(TokenizerError) -> Vocabulary {
    guard cursor.kind == .object else { throw cursor.malformed("is not an object") }
    let tape = cursor.tape
    let end = Int(tape.nodes[cursor.index].next)
    var vocabulary = Vocabulary(capacity: (end - cursor.index) / 2)
    var spelling: [UInt8] = []
    var child = cursor.index + 1
    while child < end {
      spelling.removeAll(keepingCapacity: true)
      try tape.appendString(child, to: &spelling, place: cursor.place)
      guard tape.nodes[child + 1].kind == .number, let id = tape.integer(child + 1) else {
        throw cursor.malformed(
          "gives '\(String(decoding: spelling, as: UTF8.self))' an id that is not an integer")
      }
      try vocabulary.insert(spelling, 0..<spelling.count, id: id)
      child = Int(tape.nodes[child + 1].next)
    }
    return vocabulary
  }

  /// Merges are spelt "left right" or ["left", "right"]; all in the same way.
  private static func merges(
    _ cursor: JSONCursor, vocabulary: Vocabulary
  ) throws(TokenizerError) -> MergeTable {
    guard cursor.kind == .array else { throw cursor.malformed("is not an array") }
    let tape = cursor.tape
    let end = Int(tape.nodes[cursor.index].next)
    var child = cursor.index + 1
    var count = 0
    while child < end {
      child = Int(tape.nodes[child].next)
      count += 1
    }
    var builder = MergeBuilder(vocabulary: vocabulary, capacity: count, place: cursor.place)
    var spelling: [UInt8] = []
    child = cursor.index + 1
    while child < end {
      let node = tape.nodes[child]
      spelling.removeAll(keepingCapacity: true)
      if node.kind == .string {
        try tape.appendString(child, to: &spelling, place: cursor.place)
        if !spelling.starts(with: "#version".utf8) { try builder.append(line: spelling) }
      } else {
        guard node.kind == .array, node.next - Int32(truncatingIfNeeded: child) == 3 else {
          throw cursor.malformed("entry \(builder.count) is neither a string nor a pair")
        }
        try tape.appendString(child + 1, to: &spelling, place: cursor.place)
        let middle = spelling.count
        try tape.appendString(child + 2, to: &spelling, place: cursor.place)
        try builder.append(spelling, left: 0..<middle, right: middle..<spelling.count)
      }
      child = Int(node.next)
    }
    return builder.table
  }
}
