/// A token that is found in the text before it is split: special tokens and added words.
struct AddedToken: Sendable, Equatable {
  /// Longer ones are refused: every place of a text is compared with them. In use are some 50 bytes.
  static let longest = 512

  var id: Token
  var content: [UInt8]
  /// Only where no word character stands next to it.
  var isSingleWord = false
  /// Takes the white space before it.
  var stripsLeft = false
  /// Takes the white space after it.
  var stripsRight = false
  /// Is looked for in the normalised text, by its own normalised form.
  var isNormalized = false
  /// Left out of decoded text where special tokens are skipped.
  var isSpecial = false
}
