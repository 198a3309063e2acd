extension Registry {
  /// The versions of the adapter ?1: the one numbered ?2, or all where that is NULL.
  static let copyVersions = """
    INSERT INTO bundle.versions SELECT * FROM main.versions
    WHERE adapter_id = ?1 AND (?2 IS NULL OR number = ?2)
    """

  /// Everything else, found from the versions that the bundle has by then.
  static let copies = [
    "INSERT INTO bundle.adapters SELECT * FROM main.adapters WHERE id IN (SELECT adapter_id FROM bundle.versions)",
    """
    INSERT INTO bundle.bases SELECT id, fingerprint, name, \(lastWord("path")), format, size,
      modified, architecture, parameter_count, configuration, tokenizer_digest, template_digest, added
    FROM main.bases WHERE fingerprint IN (SELECT base_fingerprint FROM bundle.versions)
    """,
    """
    INSERT INTO bundle.runs SELECT id, adapter_id, status, recipe, recipe_digest,
      base_fingerprint, seed, total_steps, program, started, ended,
      (SELECT id FROM bundle.versions v WHERE v.id = version_id), error, 0, 0, '', '', seen
    FROM main.runs WHERE id IN (SELECT run_id FROM bundle.versions)
    """,
    "INSERT INTO bundle.run_datasets SELECT * FROM main.run_datasets WHERE run_id IN (SELECT id FROM bundle.runs)",
    "INSERT INTO bundle.run_points SELECT * FROM main.run_points WHERE run_id IN (SELECT id FROM bundle.runs)",
    "INSERT INTO bundle.run_digests SELECT * FROM main.run_digests WHERE run_id IN (SELECT id FROM bundle.runs)",
    "INSERT INTO bundle.evaluations SELECT * FROM main.evaluations WHERE version_id IN (SELECT id FROM bundle.versions)",
    """
    INSERT INTO bundle.datasets SELECT digest, \(lastWord("path")), rows, seen FROM main.datasets
    WHERE digest IN (SELECT digest FROM bundle.run_datasets
      UNION SELECT dataset_digest FROM bundle.evaluations)
    """,
    """
    INSERT INTO bundle.blobs SELECT * FROM main.blobs WHERE id IN
      (SELECT weights_id FROM bundle.versions UNION SELECT answers_id FROM bundle.evaluations)
    """,
    "INSERT INTO bundle.blob_parts SELECT * FROM main.blob_parts WHERE blob_id IN (SELECT id FROM bundle.blobs)",
    "INSERT INTO bundle.tags SELECT * FROM main.tags WHERE adapter_id IN (SELECT id FROM bundle.adapters)",
    """
    INSERT INTO bundle.notes SELECT * FROM main.notes
    WHERE adapter_id IN (SELECT id FROM bundle.adapters)
      AND (number IS NULL OR number IN (SELECT number FROM bundle.versions))
    """,
    // The last move of each alias only: what it named before may not be in the bundle.
    """
    INSERT INTO bundle.alias_moves SELECT m.id, m.adapter_id, m.alias, 'set', m.number, NULL, NULL,
      m.at, m.actor
    FROM main.aliases l JOIN main.alias_moves m ON m.id = l.move_id
    WHERE l.adapter_id IN (SELECT id FROM bundle.adapters)
      AND l.number IN (SELECT number FROM bundle.versions)
    """,
    """
    INSERT INTO bundle.aliases SELECT * FROM main.aliases
    WHERE move_id IN (SELECT id FROM bundle.alias_moves)
    """,
  ]

  /// What follows the last `/` in the column `path`.
  private static func lastWord(_ path: String) -> String {
    "substr(\(path), length(rtrim(\(path), replace(\(path), '/', ''))) + 1)"
  }
}
