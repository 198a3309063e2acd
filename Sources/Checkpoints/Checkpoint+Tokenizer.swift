import Foundation

extension Checkpoint {
  /// What the checkpoint brings for its tokenizer.
  /// - Throws: `FormatError` where it brings none that can be read.
  public var tokenizerSource: TokenizerSource {
    get throws(FormatError) {
      switch text {
      case .gguf(let file):
        do throws(FormatError) {
          return .embedded(try EmbeddedVocabulary(file))
        } catch {
          throw error.inFile(path)
        }
      case .directory(let path):
        let directory = ModelDirectory(path: path)
        guard let tokenizer = try directory.text("tokenizer.json") else {
          throw FormatError(
            .cannotOpen,
            "'\(path)' has no tokenizer.json; save the tokenizer there with transformers' save_pretrained"
          )
        }
        let configuration = try directory.text("tokenizer_config.json")
        return .json(
          tokenizer: Data(tokenizer), configuration: configuration.map { Data($0) })
      }
    }
  }
}
