extension Schema {
  /// The digests that the adapter of a run had on the way. They outlive the checkpoints they were taken with, so that a
  /// replay can tell at which step it first differs.
  static let runDigests = """
    CREATE TABLE run_digests (
      run_id INTEGER NOT NULL REFERENCES runs (id) ON DELETE CASCADE,
      step INTEGER NOT NULL,              -- after which the adapter had it
      digest TEXT NOT NULL CHECK (length(digest) = 64 AND digest NOT GLOB '*[^0-9a-f]*'),
      PRIMARY KEY (run_id, step)
    ) STRICT, WITHOUT ROWID;

    """

  /// The version from which on a file has `runDigests`.
  package static let runDigestsVersion = 3
}
