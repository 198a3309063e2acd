extension Schema {
  /// The keys that clients of a server show. Of a secret only the SHA-256 is kept: 256 random bits need no slower hash.
  ///
  /// A bundle has the table too, always empty.
  static let keys = """
    CREATE TABLE api_keys (
      id TEXT PRIMARY KEY NOT NULL CHECK (length(id) = 8 AND id NOT GLOB '*[^0-9a-f]*'),
      name TEXT NOT NULL,
      secret_hash TEXT NOT NULL CHECK (length(secret_hash) = 64 AND secret_hash NOT GLOB '*[^0-9a-f]*'),
      scopes TEXT NOT NULL,               -- JSON: a list of patterns
      is_admin INTEGER NOT NULL CHECK (is_admin IN (0, 1)),
      rate_per_minute INTEGER CHECK (rate_per_minute > 0),
      tokens_per_day INTEGER CHECK (tokens_per_day > 0),
      created INTEGER NOT NULL,
      revoked INTEGER
    ) STRICT, WITHOUT ROWID;
    CREATE UNIQUE INDEX api_keys_by_live_name ON api_keys (name) WHERE revoked IS NULL;
    CREATE TRIGGER api_keys_are_immutable
    BEFORE UPDATE OF id, name, secret_hash, scopes, is_admin, rate_per_minute, tokens_per_day, created ON api_keys
    BEGIN SELECT RAISE (ABORT, 'a key is immutable; revoke it and add another'); END;
    CREATE TRIGGER api_keys_stay_revoked BEFORE UPDATE ON api_keys WHEN OLD.revoked IS NOT NULL
    BEGIN SELECT RAISE (ABORT, 'a revoked key stays revoked; add another'); END;

    """

  /// The version from which on a file has `keys`.
  package static let keysVersion = 4
}
