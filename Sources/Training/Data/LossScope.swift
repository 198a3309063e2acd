/// Which tokens are learnt.
public enum LossScope: String, Sendable, CaseIterable {
  /// All of the assistant's answers.
  case all
  /// The last answer only.
  case last
  /// Every token, questions too.
  case everything
}

/// What becomes of a row that is longer than allowed.
public enum Truncation: String, Sendable, CaseIterable {
  /// Its start is cut as far as the answer needs; a quarter of the room stays with what is before it.
  case keepAnswer = "keep-answer"
  /// Its end is cut.
  case keepStart = "keep-start"
  /// It is left out.
  case drop
}
