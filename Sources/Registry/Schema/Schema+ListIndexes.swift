extension Schema {
  /// The indexes that a page of the list walks, in its order or by its rarest filter, without a look at the fat rows of
  /// versions: who is the newest of its adapter is told by the adapter and the number in each.
  static let listIndexes = """
    DROP INDEX versions_by_created;
    DROP INDEX versions_by_base;
    CREATE INDEX versions_by_created ON versions (created, adapter_id, number);
    CREATE INDEX versions_by_base ON versions (base_fingerprint, adapter_id, number);
    CREATE INDEX versions_by_size ON versions (size, adapter_id, number);
    CREATE INDEX evaluations_by_score ON evaluations (score, version_id);

    """
}
