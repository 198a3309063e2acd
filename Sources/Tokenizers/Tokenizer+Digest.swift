extension Tokenizer {
  /// A canonical description of all that decides which tokens a text becomes and back, to be
  /// hashed.
  ///
  /// Lines of text before, then each id with its spelling, then the merges in order: the same for
  /// the same tokenizer whatever the spacing and order of keys in its file.
  public func digestBytes() -> [UInt8] {
    var output: [UInt8] = []
    output.reserveCapacity(model.vocabulary.bytes.count + model.merges.count * 16 + 65_536)
    output += Array("lorikeet tokenizer 1\n".utf8)
    output += Array(settings.utf8)
    for token in addedTokens.sorted(by: { $0.id < $1.id }) {
      let flags = [
        token.isSingleWord, token.stripsLeft, token.stripsRight, token.isNormalized,
        token.isSpecial,
      ]
      output += Array("added \(token.id) \(flags.map { $0 ? "1" : "0" }.joined()) ".utf8)
      Tokenizer.append(token.content[...], to: &output)
    }
    for id in 0..<model.vocabulary.idCount {
      guard let spelling = model.vocabulary.spelling(id) else { continue }
      Tokenizer.append(UInt32(id), to: &output)
      Tokenizer.append(spelling, to: &output)
    }
    for merge in model.merges.entries() {
      for value in [UInt32(bitPattern: merge.left), UInt32(bitPattern: merge.right), merge.rank] {
        Tokenizer.append(value, to: &output)
      }
    }
    return output
  }

  /// The steps and flags, one a line.
  private var settings: String {
    var lines: [String] = []
    lines.append(model.alphabet == .bytes ? "alphabet bytes" : "alphabet characters")
    lines.append("byte-fallback \(model.hasByteFallback) ignore-merges \(model.ignoresMerges)")
    if let unknown = model.unknown { lines.append("unknown \(unknown.token) \(unknown.isFused)") }
    lines += normalizers.map(\.canonicalName)
    lines += preTokenizers.steps.map(\.canonicalName)
    lines += decoder.canonicalLines
    lines.append("prefix \(prefix) suffix \(suffix)")
    lines.append("begin \(beginOfSequence ?? -1) end \(endOfSequence ?? -1)")
    return lines.joined(separator: "\n") + "\n"
  }

  private static func append(_ value: UInt32, to output: inout [UInt8]) {
    for shift in stride(from: UInt32(0), to: 32, by: 8) {
      output.append(UInt8(truncatingIfNeeded: value >> shift))
    }
  }

  private static func append(_ bytes: ArraySlice<UInt8>, to output: inout [UInt8]) {
    append(UInt32(truncatingIfNeeded: bytes.count), to: &output)
    output.append(contentsOf: bytes)
  }
}

extension Normalizer {
  fileprivate var canonicalName: String {
    switch self {
    case .composed: "normalize nfc"
    case .prepend(let prefix): "normalize prepend \(prefix)"
    case .replace(let pattern, let content): "normalize replace \(pattern) \(content)"
    }
  }
}

extension PreTokenizer {
  fileprivate var canonicalName: String {
    switch self {
    case .pattern(let rules): "split pattern \(rules.name)"
    case .digits(let individually): "split digits \(individually)"
    case .byteLevel(let addsPrefixSpace, let splits):
      "split byte-level \(addsPrefixSpace) \(splits)"
    case .metaspace(let replacement, let prepending, let splits):
      "split metaspace \(replacement) \(prepending.rawValue) \(splits)"
    }
  }
}

extension TextDecoder {
  fileprivate var canonicalLines: [String] {
    let name =
      switch kind {
      case .byteLevel: "byte-level"
      case .pieces(let byteFallback): "pieces \(byteFallback)"
      case .spaced: "spaced"
      }
    let steps = rewrites.map { rewrite in
      switch rewrite {
      case .replace(let pattern, let content): "decode replace \(pattern) \(content)"
      case .metaspace(let replacement, let dropsFirst):
        "decode metaspace \(replacement) \(dropsFirst)"
      }
    }
    return ["decode \(name) strip \(stripped) \(stripCount)"] + steps
  }
}
