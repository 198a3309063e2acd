/// Reads what matters of tokenizer_config.json: the special tokens' names and whether a text gets
/// them.
enum TokenizerConfigurationJSON {
  static func apply(
    _ bytes: [UInt8], to parts: inout TokenizerParts
  ) throws(TokenizerError) {
    let root = JSONCursor(try JSONTape(bytes, file: "tokenizer_config.json"))
    guard root.kind == .object else { throw root.malformed("is not an object") }
    parts.beginOfSequence = try namedToken("bos_token", root, &parts, mustExist: true)
    parts.endOfSequence = try namedToken("eos_token", root, &parts, mustExist: true)
    for name in ["unk_token", "sep_token", "pad_token", "cls_token", "mask_token"] {
      _ = try namedToken(name, root, &parts, mustExist: false)
    }
    // As transformers does: where one of the two is told, they replace the file's post-processor.
    let addsBegin = try root.member("add_bos_token")
    let addsEnd = try root.member("add_eos_token")
    guard addsBegin != nil || addsEnd != nil else { return }
    parts.prefix = []
    parts.suffix = []
    if let begin = parts.beginOfSequence, try addsBegin?.bool() ?? false { parts.prefix = [begin] }
    if let end = parts.endOfSequence, try addsEnd?.bool() ?? false { parts.suffix = [end] }
  }

  /// The token of "bos_token" and the like, a text or an object with its "content".
  ///
  /// One that is in the vocabulary but was not added becomes a special token, as in transformers.
  private static func namedToken(
    _ name: String, _ root: JSONCursor, _ parts: inout TokenizerParts, mustExist: Bool
  ) throws(TokenizerError) -> Token? {
    guard let cursor = try root.member(name) else { return nil }
    let content =
      cursor.kind == .object ? try cursor.required("content").bytes() : try cursor.bytes()
    if let added = parts.addedTokens.first(where: { $0.content == content }) { return added.id }
    guard let id = parts.model.vocabulary.id(of: content) else {
      guard mustExist, !content.isEmpty else { return nil }
      throw TokenizerError(
        .inconsistent,
        "\(cursor.place) is '\(String(decoding: content, as: UTF8.self))', "
          + "which tokenizer.json does not hold")
    }
    if !content.isEmpty {
      parts.addedTokens.append(AddedToken(id: id, content: content, isSpecial: true))
    }
    return id
  }
}
