extension Schema {
  /// From an empty file to version 1.
  ///
  /// Times are integer milliseconds since 1970 UTC; digests 64 hexadecimal digits; JSON is text that the callers made.
  static let version1 = facts + training + moves

  /// Bases, blobs, adapters and their versions.
  private static let facts = """
    CREATE TABLE bases (
      id INTEGER PRIMARY KEY,
      fingerprint TEXT NOT NULL UNIQUE,
      name TEXT NOT NULL UNIQUE,
      path TEXT NOT NULL,
      format TEXT NOT NULL,
      size INTEGER NOT NULL,
      modified INTEGER NOT NULL,          -- the file's, to see quickly that it is unchanged
      architecture TEXT NOT NULL,
      parameter_count INTEGER NOT NULL,
      configuration TEXT NOT NULL,        -- JSON
      tokenizer_digest TEXT,
      template_digest TEXT,
      added INTEGER NOT NULL
    ) STRICT;

    -- Bytes by content. In parts, so that a blob is not bound by SQLite's gigabyte for one value.
    CREATE TABLE blobs (
      id INTEGER PRIMARY KEY,
      digest TEXT NOT NULL UNIQUE,
      size INTEGER NOT NULL
    ) STRICT;
    CREATE TABLE blob_parts (
      id INTEGER PRIMARY KEY,
      blob_id INTEGER NOT NULL REFERENCES blobs (id) ON DELETE CASCADE,
      part INTEGER NOT NULL,
      bytes BLOB NOT NULL,
      UNIQUE (blob_id, part)
    ) STRICT;

    CREATE TABLE adapters (
      id INTEGER PRIMARY KEY,
      name TEXT NOT NULL UNIQUE,
      next_number INTEGER NOT NULL DEFAULT 1,   -- numbers of removed versions are not used again
      created INTEGER NOT NULL
    ) STRICT;

    CREATE TABLE versions (
      id INTEGER PRIMARY KEY,
      adapter_id INTEGER NOT NULL REFERENCES adapters (id),
      number INTEGER NOT NULL,
      digest TEXT NOT NULL,
      parent_digest TEXT,                 -- of the version it was trained on from; may be in another adapter or registry
      base_fingerprint TEXT NOT NULL REFERENCES bases (fingerprint),
      method TEXT NOT NULL,
      rank INTEGER NOT NULL,
      alpha REAL NOT NULL,
      configuration TEXT NOT NULL,        -- JSON
      prompt_contract TEXT NOT NULL,      -- JSON
      weights_id INTEGER NOT NULL REFERENCES blobs (id),
      size INTEGER NOT NULL,
      run_id INTEGER REFERENCES runs (id),
      created INTEGER NOT NULL,
      note TEXT,
      UNIQUE (adapter_id, number),
      UNIQUE (adapter_id, digest)
    ) STRICT;
    CREATE INDEX versions_by_digest ON versions (digest);
    CREATE INDEX versions_by_base ON versions (base_fingerprint);
    CREATE INDEX versions_by_weights ON versions (weights_id);
    CREATE INDEX versions_by_run ON versions (run_id);
    CREATE INDEX versions_by_created ON versions (created);

    CREATE TRIGGER versions_are_immutable BEFORE UPDATE ON versions
    BEGIN SELECT RAISE (ABORT, 'a version is immutable; publish a new one'); END;
    CREATE TRIGGER blobs_are_immutable BEFORE UPDATE ON blobs
    BEGIN SELECT RAISE (ABORT, 'a blob is immutable'); END;
    CREATE TRIGGER blob_parts_are_immutable BEFORE UPDATE ON blob_parts
    BEGIN SELECT RAISE (ABORT, 'a blob is immutable'); END;

    """

  /// Runs, their curves and checkpoints, datasets, evaluations.
  private static let training = """
    CREATE TABLE datasets (
      digest TEXT PRIMARY KEY NOT NULL,
      path TEXT NOT NULL,                 -- where it was last seen
      rows INTEGER NOT NULL,
      seen INTEGER NOT NULL
    ) STRICT;

    CREATE TABLE runs (
      id INTEGER PRIMARY KEY AUTOINCREMENT,
      adapter_id INTEGER NOT NULL REFERENCES adapters (id),
      status TEXT NOT NULL CHECK (status IN ('running', 'interrupted', 'completed', 'failed')),
      recipe TEXT NOT NULL,               -- JSON
      recipe_digest TEXT NOT NULL,
      base_fingerprint TEXT NOT NULL,
      seed INTEGER NOT NULL,              -- 64 bits
      total_steps INTEGER,
      program TEXT NOT NULL,              -- name and version
      started INTEGER NOT NULL,
      ended INTEGER,
      version_id INTEGER REFERENCES versions (id) ON DELETE SET NULL,
      error TEXT,
      owner_process INTEGER NOT NULL,     -- who writes it: process, its start, boot and process namespace
      owner_start INTEGER NOT NULL,
      owner_boot TEXT NOT NULL,
      owner_space TEXT NOT NULL,
      seen INTEGER NOT NULL               -- the owner's last sign of life
    ) STRICT;
    CREATE INDEX runs_by_recipe ON runs (adapter_id, recipe_digest);
    CREATE INDEX runs_by_status ON runs (status);
    CREATE INDEX runs_by_version ON runs (version_id);

    CREATE TABLE run_datasets (
      run_id INTEGER NOT NULL REFERENCES runs (id) ON DELETE CASCADE,
      role TEXT NOT NULL,                 -- 'train', 'eval'
      digest TEXT NOT NULL REFERENCES datasets (digest),
      rows INTEGER NOT NULL,
      PRIMARY KEY (run_id, role)
    ) STRICT, WITHOUT ROWID;
    CREATE INDEX run_datasets_by_digest ON run_datasets (digest);

    CREATE TABLE run_points (
      run_id INTEGER NOT NULL REFERENCES runs (id) ON DELETE CASCADE,
      step INTEGER NOT NULL,
      loss REAL,
      learning_rate REAL,
      gradient_norm REAL,
      tokens INTEGER,
      seconds REAL,
      eval_loss REAL,
      PRIMARY KEY (run_id, step)
    ) STRICT, WITHOUT ROWID;

    CREATE TABLE checkpoints (
      id INTEGER PRIMARY KEY,
      run_id INTEGER NOT NULL REFERENCES runs (id) ON DELETE CASCADE,
      step INTEGER NOT NULL,
      state_id INTEGER NOT NULL REFERENCES blobs (id),
      facts TEXT NOT NULL,                -- JSON
      created INTEGER NOT NULL,
      UNIQUE (run_id, step)
    ) STRICT;
    CREATE INDEX checkpoints_by_state ON checkpoints (state_id);

    -- Of a version, or of the bare base where version_id is NULL.
    CREATE TABLE evaluations (
      id INTEGER PRIMARY KEY AUTOINCREMENT,
      version_id INTEGER REFERENCES versions (id) ON DELETE CASCADE,
      base_fingerprint TEXT NOT NULL REFERENCES bases (fingerprint) ON DELETE CASCADE,
      dataset_digest TEXT NOT NULL REFERENCES datasets (digest),
      settings TEXT NOT NULL,             -- JSON
      settings_digest TEXT NOT NULL,
      metrics TEXT NOT NULL,              -- JSON
      score REAL,                         -- the one number that lists show
      score_name TEXT,
      answers_id INTEGER REFERENCES blobs (id),
      program TEXT NOT NULL,
      created INTEGER NOT NULL
    ) STRICT;
    CREATE INDEX evaluations_by_version ON evaluations (version_id, dataset_digest, settings_digest);
    CREATE INDEX evaluations_by_base ON evaluations (base_fingerprint, dataset_digest);
    CREATE INDEX evaluations_by_dataset ON evaluations (dataset_digest);
    CREATE INDEX evaluations_by_answers ON evaluations (answers_id);

    """

  /// Aliases and their history, tags, notes, the audit.
  private static let moves = """
    -- The moves of an alias are a stack kept for ever: `below` is the move that a rollback returns to.
    -- `number` has no reference: history outlives the versions it names. NULL: the alias was removed.
    CREATE TABLE alias_moves (
      id INTEGER PRIMARY KEY AUTOINCREMENT,
      adapter_id INTEGER NOT NULL REFERENCES adapters (id) ON DELETE CASCADE,
      alias TEXT NOT NULL,
      kind TEXT NOT NULL CHECK (kind IN ('set', 'rollback', 'remove')),
      number INTEGER,
      previous INTEGER,
      below INTEGER REFERENCES alias_moves (id),
      at INTEGER NOT NULL,
      actor TEXT NOT NULL
    ) STRICT;
    CREATE INDEX alias_moves_by_alias ON alias_moves (adapter_id, alias, id);
    CREATE INDEX alias_moves_by_below ON alias_moves (below);
    CREATE TRIGGER alias_moves_are_immutable BEFORE UPDATE ON alias_moves
    BEGIN SELECT RAISE (ABORT, 'the history of aliases is immutable'); END;

    CREATE TABLE aliases (
      adapter_id INTEGER NOT NULL REFERENCES adapters (id),
      alias TEXT NOT NULL,
      number INTEGER NOT NULL,
      move_id INTEGER NOT NULL REFERENCES alias_moves (id),
      PRIMARY KEY (adapter_id, alias),
      FOREIGN KEY (adapter_id, number) REFERENCES versions (adapter_id, number)
    ) STRICT, WITHOUT ROWID;
    CREATE INDEX aliases_by_version ON aliases (adapter_id, number);
    CREATE INDEX aliases_by_move ON aliases (move_id);

    CREATE TABLE tags (
      adapter_id INTEGER NOT NULL REFERENCES adapters (id) ON DELETE CASCADE,
      tag TEXT NOT NULL,
      at INTEGER NOT NULL,
      PRIMARY KEY (adapter_id, tag)
    ) STRICT, WITHOUT ROWID;
    CREATE INDEX tags_by_tag ON tags (tag, adapter_id);

    CREATE TABLE notes (
      id INTEGER PRIMARY KEY,
      adapter_id INTEGER NOT NULL REFERENCES adapters (id) ON DELETE CASCADE,
      number INTEGER,                     -- of the version that the note is about, or NULL: the adapter
      note TEXT NOT NULL,
      at INTEGER NOT NULL,
      actor TEXT NOT NULL
    ) STRICT;
    CREATE INDEX notes_by_adapter ON notes (adapter_id, number);

    CREATE TABLE audit (
      id INTEGER PRIMARY KEY AUTOINCREMENT,
      at INTEGER NOT NULL,
      actor TEXT NOT NULL,
      action TEXT NOT NULL,
      subject TEXT NOT NULL,
      detail TEXT NOT NULL
    ) STRICT;
    CREATE INDEX audit_by_subject ON audit (subject, id);
    CREATE TRIGGER audit_is_immutable BEFORE UPDATE ON audit
    BEGIN SELECT RAISE (ABORT, 'the audit is immutable'); END;
    CREATE TRIGGER audit_is_kept BEFORE DELETE ON audit
    BEGIN SELECT RAISE (ABORT, 'the audit is kept'); END;

    """
}
