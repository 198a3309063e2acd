/// Turns tokens into text as they come; what comes out, put together, is the decoded whole.
///
/// Only whole characters come out: bytes wait until their character is complete, and a run of byte
/// fallback tokens until it ends, for one invalid byte spoils the run in the `tokenizers` library.
public struct DecodingStream: Sendable {
  private let tokenizer: Tokenizer
  private let skipsSpecialTokens: Bool
  private var isFirst = true
  private var utf8 = LossyUTF8()
  private var byteRun: [UInt8] = []
  private var stripsLeft: Int

  init(tokenizer: Tokenizer, skipsSpecialTokens: Bool) {
    self.tokenizer = tokenizer
    self.skipsSpecialTokens = skipsSpecialTokens
    stripsLeft = tokenizer.decoder.stripCount
  }

  /// Takes one token; returns the characters that it completes. Ids without a token are passed
  /// over.
  public mutating func push(_ token: Token) -> String {
    var output: [UInt8] = []
    push(token, to: &output)
    return String(decoding: output, as: UTF8.self)
  }

  /// Ends the text; returns what was waiting, with U+FFFD for bytes that never became a character.
  public mutating func finish() -> String {
    var output: [UInt8] = []
    finish(&output)
    return String(decoding: output, as: UTF8.self)
  }

  mutating func push(_ token: Token, to output: inout [UInt8]) {
    let id = Int(token)
    switch tokenizer.state(id) {
    case .absent: return
    case .special where skipsSpecialTokens: return
    case .special, .text: break
    }
    defer { isFirst = false }
    switch tokenizer.decoder.kind {
    case .byteLevel:
      for byte in tokenizer.pieces.bytes(id) { utf8.push(byte, to: &output) }
    case .spaced:
      if !isFirst { output.append(0x20) }
      output.append(contentsOf: tokenizer.decodedSpelling(id))
    case .pieces:
      if let byte = tokenizer.pieces.byte(id) {
        byteRun.append(byte)
        return
      }
      flushRun(&output)
      if isFirst, tokenizer.decoder.treatsFirstApart {
        let spelling = tokenizer.decodedSpelling(id)
        emit(tokenizer.decoder.bytes(of: spelling, isFirst: true)[...], to: &output)
      } else {
        emit(tokenizer.pieces.bytes(id), to: &output)
      }
    }
  }

  mutating func finish(_ output: inout [UInt8]) {
    utf8.finish(&output)
    flushRun(&output)
  }

  /// A run of byte tokens is text where all of it is valid UTF-8, or else one U+FFFD a byte.
  private mutating func flushRun(_ output: inout [UInt8]) {
    guard !byteRun.isEmpty else { return }
    if String(validating: byteRun, as: UTF8.self) != nil {
      emit(byteRun[...], to: &output)
    } else {
      for _ in byteRun { emit(LossyUTF8.replacement[...], to: &output) }
    }
    byteRun.removeAll(keepingCapacity: true)
  }

  /// Appends text, without the characters that the decoder takes from its beginning.
  private mutating func emit(_ bytes: ArraySlice<UInt8>, to output: inout [UInt8]) {
    var rest = bytes
    while stripsLeft > 0, !rest.isEmpty {
      guard rest.starts(with: tokenizer.decoder.stripped) else {
        stripsLeft = 0
        break
      }
      rest = rest.dropFirst(tokenizer.decoder.stripped.count)
      stripsLeft -= 1
    }
    output.append(contentsOf: rest)
  }
}
