/// Reads the "added_tokens" of tokenizer.json.
enum AddedTokensJSON {
  static func tokens(
    _ cursor: JSONCursor?, vocabulary: Vocabulary
  ) throws(TokenizerError) -> [AddedToken] {
    guard let cursor else { return [] }
    var tokens: [AddedToken] = []
    var ids = Set<Token>()
    var contents = Set<[UInt8]>()
    for element in try cursor.elements() {
      let token = try token(element)
      let name = String(decoding: token.content, as: UTF8.self)
      guard !token.content.isEmpty else { continue }
      guard token.content.count <= AddedToken.longest else {
        throw TokenizerError(
          .tooLarge, "\(element.place) has \(token.content.count) bytes of content")
      }
      guard contents.insert(token.content).inserted else {
        throw element.malformed("adds '\(name)' a second time")
      }
      guard ids.insert(token.id).inserted else {
        throw element.malformed("gives '\(name)' the id \(token.id) of another added token")
      }
      try check(token, name, element, vocabulary: vocabulary)
      tokens.append(token)
    }
    return tokens
  }

  private static func token(_ cursor: JSONCursor) throws(TokenizerError) -> AddedToken {
    let id = try cursor.required("id").integer()
    guard id >= 0, id < Vocabulary.idLimit else {
      throw TokenizerError(
        .tooLarge, "\(cursor.place): id \(id) is outside 0..<\(Vocabulary.idLimit)")
    }
    let isSpecial = try cursor.flag("special", default: false)
    return AddedToken(
      id: Token(id), content: try cursor.required("content").bytes(),
      isSingleWord: try cursor.flag("single_word", default: false),
      stripsLeft: try cursor.flag("lstrip", default: false),
      stripsRight: try cursor.flag("rstrip", default: false),
      isNormalized: try cursor.flag("normalized", default: !isSpecial), isSpecial: isSpecial)
  }

  /// A token and its id mean the same in the vocabulary and among the added tokens.
  private static func check(
    _ token: AddedToken, _ name: String, _ cursor: JSONCursor, vocabulary: Vocabulary
  ) throws(TokenizerError) {
    if let id = vocabulary.id(of: token.content), id != token.id {
      throw TokenizerError(
        .inconsistent,
        "\(cursor.place): '\(name)' has the id \(token.id) here and \(id) in the vocabulary")
    }
    if let spelling = vocabulary.spelling(Int(token.id)), !spelling.elementsEqual(token.content) {
      throw TokenizerError(
        .inconsistent,
        "\(cursor.place): '\(name)' has the id \(token.id) of "
          + "'\(String(decoding: spelling, as: UTF8.self))' in the vocabulary")
    }
  }
}
