/// Reads the "decoder" of tokenizer.json.
enum DecoderJSON {
  static func decoder(_ cursor: JSONCursor?) throws(TokenizerError) -> TextDecoder {
    guard let cursor else { return TextDecoder(kind: .spaced) }
    var steps: [JSONCursor] = []
    try flatten(cursor, into: &steps)
    var decoder = TextDecoder(kind: .pieces(byteFallback: false))
    var isFused = false
    var hasFallback = false
    for (index, step) in steps.enumerated() {
      let type = try step.type()
      switch type {
      case "ByteLevel" where index == 0: decoder.kind = .byteLevel
      case "Replace" where !hasFallback && !isFused && decoder.kind != .byteLevel:
        decoder.rewrites.append(
          .replace(
            pattern: try NormalizerJSON.literal(try step.required("pattern")),
            content: try step.required("content").bytes()))
      case "Metaspace" where !hasFallback && !isFused && decoder.kind != .byteLevel:
        let (replacement, prepending) = try PreTokenizerJSON.metaspaceSetting(step)
        decoder.rewrites.append(
          .metaspace(replacement: replacement, dropsFirst: prepending != .never))
      case "ByteFallback" where !hasFallback && !isFused && decoder.kind != .byteLevel:
        hasFallback = true
        decoder.kind = .pieces(byteFallback: true)
      case "Fuse": isFused = true
      case "Strip" where isFused && decoder.stripCount == 0 && decoder.kind != .byteLevel:
        guard try step.required("stop").integer() == 0 else {
          throw step.unsupported("decoder 'Strip' at the end of the text")
        }
        decoder.stripped = try step.required("content").bytes()
        decoder.stripCount = try step.required("start").integer()
        guard let first = decoder.stripped.first, decoder.stripCount >= 0,
          UTF8Scan.length(first) == decoder.stripped.count
        else { throw step.malformed("strips something else than one character") }
      case "ByteLevel", "Replace", "Metaspace", "ByteFallback", "Strip":
        throw step.unsupported("decoder '\(type)' at this place")
      default: throw step.unsupported("decoder '\(type)'")
      }
    }
    let rewriting = decoder.rewrites.reduce(1) { growth, rewrite in
      min(growth * min(rewrite.growth, 1 << 20), 1 << 20)
    }
    guard rewriting <= Normalizer.growthLimit else {
      throw TokenizerError(.tooLarge, "\(cursor.place) makes tokens \(rewriting) times longer")
    }
    return decoder
  }

  private static func flatten(
    _ cursor: JSONCursor, into steps: inout [JSONCursor]
  ) throws(TokenizerError) {
    guard try cursor.type() == "Sequence" else { return steps.append(cursor) }
    for element in try cursor.required("decoders").elements() {
      try flatten(element, into: &steps)
    }
  }
}
