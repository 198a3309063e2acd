public import Tokenizers

/// A question to put to the model, with the answer that it should give.
public struct Question: Sendable, Equatable {
  /// What the model reads, up to where its answer begins.
  public var prompt: [Token]
  /// What was asked, as a person wrote it: the last turn before the answer.
  public var text: String
  /// The answer it should give.
  public var reference: String
  /// The line of the row that it comes from.
  public var line: Int
}

extension Question {
  /// Refuses a prompt that no answer can follow.
  static func check(_ prompt: [Token], contextLength: Int) throws(TrainingError) {
    guard !prompt.isEmpty else {
      throw TrainingError(
        .badData,
        "the prompt is empty, and the tokenizer has no token that begins a sequence; ask something")
    }
    guard prompt.count < contextLength else {
      throw TrainingError(
        .badData,
        "the prompt is \(prompt.count) tokens long, which leaves no room for an answer: the model's"
          + " context is \(contextLength); shorten it")
    }
  }
}
