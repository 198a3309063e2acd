/// The split patterns of the tokenizers in use, as the few choices in which they differ.
///
/// Each pattern tries, at every place: a contraction, a word, a number, punctuation, white space.
/// They cover every character, so that the pieces put together are the text.
struct SplitRules: Sendable, Equatable {
  /// Where `'s`, `'t`, `'re`, `'ve`, `'m`, `'ll` and `'d` are told apart.
  enum Contractions: Sendable {
    /// A piece of their own, in lower case only.
    case lowercase
    /// A piece of their own, in any case.
    case anyCase
    /// The tail of a word, in any case.
    case suffix
    case none
  }

  /// What follows punctuation within its piece.
  enum Tail: Sendable { case nothing, newlines, newlinesAndSlashes }

  /// The name by which the rules stand in a tokenizer's digest.
  let name: String
  var contractions: Contractions
  /// A word may begin with any character that is no letter, number or line end; otherwise with one
  /// space only, and so may a number.
  var takesAnyPrefix: Bool
  /// A word ends where lower case turns into upper case.
  var splitsByCase: Bool
  /// The digits of one piece; nil for all of them.
  var digitsPerPiece: Int?
  var punctuationTail: Tail
  /// White space up to the last line end of a run is a piece of its own.
  var splitsAtNewlines: Bool

  /// GPT-2.
  static let gpt2 = SplitRules(
    name: "gpt2", contractions: .lowercase, takesAnyPrefix: false, splitsByCase: false,
    digitsPerPiece: nil,
    punctuationTail: .nothing, splitsAtNewlines: false)
  /// Llama 3, as OpenAI's cl100k.
  static let llama3 = SplitRules(
    name: "llama3", contractions: .anyCase, takesAnyPrefix: true, splitsByCase: false,
    digitsPerPiece: 3,
    punctuationTail: .newlines, splitsAtNewlines: true)
  /// Qwen 2 and 3.
  static let qwen2 = SplitRules(
    name: "qwen2", contractions: .anyCase, takesAnyPrefix: true, splitsByCase: false,
    digitsPerPiece: 1,
    punctuationTail: .newlines, splitsAtNewlines: true)
  /// Mistral's Tekken.
  static let tekken = SplitRules(
    name: "tekken", contractions: .none, takesAnyPrefix: true, splitsByCase: true,
    digitsPerPiece: 1,
    punctuationTail: .newlinesAndSlashes, splitsAtNewlines: true)
  /// OpenAI's o200k.
  static let o200k = SplitRules(
    name: "o200k", contractions: .suffix, takesAnyPrefix: true, splitsByCase: true,
    digitsPerPiece: 3,
    punctuationTail: .newlinesAndSlashes, splitsAtNewlines: true)

  /// The rules of a pattern, recognised by its exact text; nil for any other.
  init?(pattern: String) {
    guard let rules = SplitRules.known.first(where: { $0.pattern == pattern }) else { return nil }
    self = rules.rules
  }

  private init(
    name: String, contractions: Contractions, takesAnyPrefix: Bool, splitsByCase: Bool,
    digitsPerPiece: Int?,
    punctuationTail: Tail, splitsAtNewlines: Bool
  ) {
    self.name = name
    self.contractions = contractions
    self.takesAnyPrefix = takesAnyPrefix
    self.splitsByCase = splitsByCase
    self.digitsPerPiece = digitsPerPiece
    self.punctuationTail = punctuationTail
    self.splitsAtNewlines = splitsAtNewlines
  }

  private static let spaces = #"|\s*[\r\n]+|\s+(?!\S)|\s+"#
  private static let anyCase = "(?i:'s|'t|'re|'ve|'m|'ll|'d)"
  private static let lead = #"[^\r\n\p{L}\p{N}]?"#
  private static let capitals = #"[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]"#
  private static let smalls = #"[\p{Ll}\p{Lm}\p{Lo}\p{M}]"#

  private static let known: [(pattern: String, rules: SplitRules)] = [
    (
      #"'s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+"#, .gpt2
    ),
    (
      anyCase + "|" + lead + #"\p{L}+|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n]*"# + spaces, .llama3
    ),
    (
      anyCase + "|" + lead + #"\p{L}+|\p{N}| ?[^\s\p{L}\p{N}]+[\r\n]*"# + spaces, .qwen2
    ),
    (
      lead + capitals + "*" + smalls + "+|" + lead + capitals + "+" + smalls
        + #"*|\p{N}| ?[^\s\p{L}\p{N}]+[\r\n/]*"# + spaces, .tekken
    ),
    (
      lead + capitals + "*" + smalls + "+" + anyCase + "?|" + lead + capitals + "+" + smalls + "*"
        + anyCase + #"?|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n/]*"# + spaces, .o200k
    ),
  ]
}
