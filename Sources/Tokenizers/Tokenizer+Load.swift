public import Foundation

extension Tokenizer {
  /// Loads Hugging Face's tokenizer.json, with tokenizer_config.json where it is there.
  ///
  /// Padding and truncation that the file may ask for are left to the caller.
  public static func load(
    tokenizerJSON: Data, configuration: Data? = nil
  ) throws(TokenizerError) -> Tokenizer {
    Tokenizer(
      parts: try TokenizerJSON.parts(
        [UInt8](tokenizerJSON), configuration: configuration.map { [UInt8]($0) }))
  }

  /// Loads the vocabulary of a GGUF file.
  public static func load(vocabulary: GGUFVocabulary) throws(TokenizerError) -> Tokenizer {
    Tokenizer(parts: try GGUFTokenizer.parts(vocabulary))
  }
}
