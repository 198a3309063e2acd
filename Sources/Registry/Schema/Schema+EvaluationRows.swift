extension Schema {
  /// How many rows an evaluation measured: `datasets` tells one number for all who ever read the file, whatever their limit.
  ///
  /// Of an evaluation from before, NULL: what `datasets` tells is all that is known.
  static let evaluationRows = "ALTER TABLE evaluations ADD COLUMN rows INTEGER CHECK (rows >= 0);\n"

  /// The version from which on a file has `evaluationRows`.
  package static let evaluationRowsVersion = 5
}
