/// Reads the "normalizer" of tokenizer.json.
enum NormalizerJSON {
  static func steps(_ cursor: JSONCursor?) throws(TokenizerError) -> [Normalizer] {
    guard let cursor else { return [] }
    let steps = try flattened(cursor)
    var growth = 1
    for step in steps {
      guard max(step.growth, 1) <= Normalizer.growthLimit / growth else {
        throw TokenizerError(
          .tooLarge, "\(cursor.place) may make a text over \(Normalizer.growthLimit) times longer")
      }
      growth *= max(step.growth, 1)
    }
    return steps
  }

  private static func flattened(_ cursor: JSONCursor) throws(TokenizerError) -> [Normalizer] {
    let type = try cursor.type()
    switch type {
    case "Sequence":
      var steps: [Normalizer] = []
      for element in try cursor.required("normalizers").elements() {
        steps += try flattened(element)
      }
      return steps
    case "NFC": return [.composed]
    case "Prepend":
      let prefix = try cursor.required("prepend").bytes()
      guard prefix.count <= Normalizer.growthLimit else {
        throw TokenizerError(.tooLarge, "\(cursor.place) prepends \(prefix.count) bytes")
      }
      return prefix.isEmpty ? [] : [.prepend(prefix)]
    case "Replace":
      return [
        .replace(
          pattern: try literal(try cursor.required("pattern")),
          content: try cursor.required("content").bytes())
      ]
    default: throw cursor.unsupported("normalizer '\(type)'")
    }
  }

  /// A pattern that is a plain text: {"String": "..."}.
  static func literal(_ pattern: JSONCursor) throws(TokenizerError) -> [UInt8] {
    if let regex = try pattern.member("Regex") {
      throw regex.unsupported("the regular expression '\(try regex.string())'")
    }
    let text = try pattern.required("String").bytes()
    guard !text.isEmpty else { throw pattern.malformed("is empty") }
    return text
  }
}
