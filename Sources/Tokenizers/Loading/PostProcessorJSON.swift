/// Reads the "post_processor" of tokenizer.json: the tokens before and after a text.
enum PostProcessorJSON {
  /// More tokens around a text are refused.
  private static let aroundLimit = 256

  static func apply(
    _ cursor: JSONCursor?, to parts: inout TokenizerParts
  ) throws(TokenizerError) {
    guard let cursor else { return }
    try apply(cursor, added: Set(parts.addedTokens.map(\.id)), to: &parts)
  }

  private static func apply(
    _ cursor: JSONCursor, added: Set<Token>, to parts: inout TokenizerParts
  ) throws(TokenizerError) {
    let type = try cursor.type()
    switch type {
    case "ByteLevel": break  // trims offsets only
    case "Sequence":
      for element in try cursor.required("processors").elements() {
        try apply(element, added: added, to: &parts)
      }
    case "TemplateProcessing": try applyTemplate(cursor, added: added, to: &parts)
    case "RobertaProcessing", "BertProcessing":
      parts.prefix.insert(try pairToken(try cursor.required("cls"), added, parts), at: 0)
      parts.suffix.append(try pairToken(try cursor.required("sep"), added, parts))
    default: throw cursor.unsupported("post-processor '\(type)'")
    }
  }

  private static func applyTemplate(
    _ cursor: JSONCursor, added: Set<Token>, to parts: inout TokenizerParts
  ) throws(TokenizerError) {
    var ids: [String: [Token]] = [:]
    if let special = try cursor.member("special_tokens") {
      for (name, value) in try special.members() {
        var tokens: [Token] = []
        for id in try value.required("ids").elements() {
          tokens.append(try token(id, added, parts))
        }
        ids[name] = tokens
      }
    }
    var before: [Token] = []
    var after: [Token] = []
    var sequences = 0
    for piece in try cursor.required("single").elements() {
      if let sequence = try piece.member("Sequence") {
        guard try sequence.required("id").string() == "A" else {
          throw sequence.unsupported("another sequence than A")
        }
        sequences += 1
      } else {
        let name = try piece.required("SpecialToken").required("id").string()
        guard let tokens = ids[name] else {
          throw TokenizerError(.missing, "\(cursor.place).special_tokens has no '\(name)'")
        }
        if sequences == 0 { before += tokens } else { after += tokens }
        guard before.count + after.count <= aroundLimit else {
          throw TokenizerError(.tooLarge, "\(cursor.place) puts over \(aroundLimit) tokens around")
        }
      }
    }
    guard sequences == 1 else { throw cursor.malformed("does not hold the text exactly once") }
    parts.prefix = before + parts.prefix
    parts.suffix += after
  }

  private static func token(
    _ cursor: JSONCursor, _ added: Set<Token>, _ parts: TokenizerParts
  ) throws(TokenizerError) -> Token {
    let id = try cursor.integer()
    guard
      parts.model.vocabulary.spelling(id) != nil
        || Token(exactly: id).map(added.contains) ?? false
    else {
      throw TokenizerError(.inconsistent, "\(cursor.place): no token has the id \(id)")
    }
    return Token(truncatingIfNeeded: id)
  }

  /// The id of ["</s>", 2].
  private static func pairToken(
    _ cursor: JSONCursor, _ added: Set<Token>, _ parts: TokenizerParts
  ) throws(TokenizerError) -> Token {
    let elements = try cursor.elements()
    guard elements.count == 2 else { throw cursor.malformed("is not a token and its id") }
    return try token(elements[1], added, parts)
  }
}
