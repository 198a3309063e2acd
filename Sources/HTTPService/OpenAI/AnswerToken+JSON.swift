import JSON

extension AnswerToken {
  /// The Unicode scalars that begin in it: each has one byte that is no continuation (10xxxxxx).
  var letterCount: Int { bytes.count { $0 & 0xC0 != 0x80 } }
}

extension [AnswerToken] {
  /// The Unicode scalars that begin in them.
  var letterCount: Int { reduce(0) { $0 + $1.letterCount } }

  /// As chat completions tell log probabilities.
  var chatLogprobs: JSONValue {
    let content = map { token -> JSONValue in
      var entry = Self.entry(token.bytes, token.logprob)
      entry["top_logprobs"] = .array(token.top.map { .object(Self.entry($0.bytes, $0.logprob)) })
      return .object(entry)
    }
    return ["content": .array(content), "refusal": nil]
  }

  /// As text completions tell log probabilities: four lists side by side.
  ///
  /// A token's offset counts the letters (Unicode scalars) before it, as those of Python's strings.
  func textLogprobs(from offset: Int) -> JSONValue {
    var offset = offset
    var offsets: [JSONValue] = []
    for token in self {
      offsets.append(.int(offset))
      offset += token.letterCount
    }
    return [
      "tokens": .array(map { .string(tokenText($0.bytes, marked: true)) }),
      "token_logprobs": .array(map { $0.logprob.map(logarithm) ?? .null }),
      "top_logprobs": .array(map(Self.alternatives)), "text_offset": .array(offsets),
    ]
  }

  /// The alternatives by their texts, the token itself among them; null for the first of all.
  private static func alternatives(_ token: AnswerToken) -> JSONValue {
    guard let logprob = token.logprob else { return nil }
    var found = JSONObject()
    for other in token.top where found[tokenText(other.bytes, marked: true)] == nil {
      found[tokenText(other.bytes, marked: true)] = logarithm(other.logprob)
    }
    let own = tokenText(token.bytes, marked: true)
    if found[own] == nil { found[own] = logarithm(logprob) }
    return .object(found)
  }

  private static func entry(_ bytes: [UInt8], _ logprob: Double?) -> JSONObject {
    [
      "token": .string(tokenText(bytes, marked: false)),
      "logprob": logarithm(logprob ?? -.infinity),
      "bytes": .array(bytes.map { .int(Int($0)) }),
    ]
  }
}

/// A log probability; -9999 stands for one that has no number, as in OpenAI's API.
private func logarithm(_ value: Double) -> JSONValue { .double(value.isFinite ? value : -9999) }

/// A token's text, or its bytes as `\xe2\x82` where they are no whole letters; OpenAI's route for texts marks those with
/// `bytes:`.
private func tokenText(_ bytes: [UInt8], marked: Bool) -> String {
  if let text = String(validating: bytes, as: UTF8.self) { return text }
  let digits = Array("0123456789abcdef")
  let escaped = bytes.map { "\\x\(digits[Int($0 >> 4)])\(digits[Int($0 & 15)])" }.joined()
  return marked ? "bytes:" + escaped : escaped
}
