/// Reads the "pre_tokenizer" of tokenizer.json.
enum PreTokenizerJSON {
  static func steps(_ cursor: JSONCursor?) throws(TokenizerError) -> [PreTokenizer] {
    guard let cursor else { return [] }
    let steps = try flattened(cursor)
    guard steps.count <= 16 else {
      throw TokenizerError(
        .tooLarge, "\(cursor.place) has \(steps.count) steps; at most 16 are run")
    }
    for (index, step) in steps.enumerated() where index + 1 < steps.count {
      if case .byteLevel = step {
        throw cursor.unsupported("a step after 'ByteLevel'")
      }
    }
    return steps
  }

  private static func flattened(_ cursor: JSONCursor) throws(TokenizerError) -> [PreTokenizer] {
    let type = try cursor.type()
    switch type {
    case "Sequence":
      var steps: [PreTokenizer] = []
      for element in try cursor.required("pretokenizers").elements() {
        steps += try flattened(element)
      }
      return steps
    case "ByteLevel":
      return [
        .byteLevel(
          addsPrefixSpace: try cursor.flag("add_prefix_space", default: true),
          splits: try cursor.flag("use_regex", default: true))
      ]
    case "Digits":
      return [.digits(individually: try cursor.flag("individual_digits", default: false))]
    case "Split": return [.pattern(try rules(cursor))]
    case "Metaspace": return [try metaspace(cursor)]
    default: throw cursor.unsupported("pre-tokenizer '\(type)'")
    }
  }

  /// The rules of a Split whose pattern covers the whole text.
  private static func rules(_ cursor: JSONCursor) throws(TokenizerError) -> SplitRules {
    let pattern = try cursor.required("pattern")
    guard let regex = try pattern.member("Regex") else {
      throw pattern.unsupported("a split at a plain text")
    }
    let text = try regex.string()
    guard let rules = SplitRules(pattern: text) else {
      throw regex.unsupported("the split pattern '\(text)'")
    }
    // What lies between two matches is nothing, so that these keep every piece whole.
    let behavior = try cursor.required("behavior").string()
    let isInverted = try cursor.flag("invert", default: false)
    guard behavior == "Isolated" || (behavior == "Removed" && isInverted) else {
      throw cursor.unsupported("behavior '\(behavior)' with invert \(isInverted)")
    }
    return rules
  }

  private static func metaspace(_ cursor: JSONCursor) throws(TokenizerError) -> PreTokenizer {
    let (replacement, prepending) = try metaspaceSetting(cursor)
    return .metaspace(
      replacement: replacement, prepending: prepending,
      splits: try cursor.flag("split", default: true))
  }

  /// What Metaspace replaces a space by, and when it puts one before the text.
  static func metaspaceSetting(
    _ cursor: JSONCursor
  ) throws(TokenizerError) -> (replacement: [UInt8], prepending: Metaspace.Prepending) {
    let replacement = try cursor.required("replacement").bytes()
    guard let first = replacement.first, UTF8Scan.length(first) == replacement.count else {
      throw cursor.malformed("has a replacement that is not one character")
    }
    let scheme = try cursor.member("prepend_scheme")?.string() ?? "always"
    let addsPrefix = try cursor.flag("add_prefix_space", default: true)
    switch scheme {
    case "never": return (replacement, .never)
    case _ where !addsPrefix:
      // Files from before prepend_scheme say it so; with a scheme it is a contradiction.
      guard try cursor.member("prepend_scheme") == nil else {
        throw cursor.malformed("has add_prefix_space false and prepend_scheme '\(scheme)'")
      }
      return (replacement, .never)
    case "first": return (replacement, .first)
    case "always": return (replacement, .always)
    default: throw cursor.unsupported("prepend_scheme '\(scheme)'")
    }
  }
}
