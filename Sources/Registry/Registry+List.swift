public import Digests
public import Foundation

/// One line of the list of adapters: the newest version and what points where.
public struct AdapterSummary: Sendable, Hashable {
  /// The adapter's name.
  public let name: String
  /// How many versions it has.
  public let versionCount: Int
  /// The newest version's number.
  public let newest: Int
  /// Its digest.
  public let digest: Digest
  /// Where the aliases point, by alias.
  public let aliases: [AliasRecord]
  /// The name of the newest version's base.
  public let baseName: String
  /// `lora`, `rslora`, ...
  public let method: String
  /// The newest version's (largest) rank.
  public let rank: Int
  /// Bytes of its weights.
  public let size: Int
  /// The score of its last evaluation.
  public let score: Double?
  /// What the score is called.
  public let scoreName: String?
  /// When the newest version was published.
  public let created: Date
}

extension Registry {
  /// A page of the adapters that have a version, by name.
  /// - Parameters:
  ///   - pattern: Only names that this glob (`acme/*`) matches.
  ///   - base: Only those whose newest version fits the base of this fingerprint.
  ///   - after: Only names after this one: the last of the page before.
  ///   - limit: At most this many.
  public func list(
    matching pattern: String? = nil, base: Digest? = nil, after: String? = nil, limit: Int? = nil
  ) throws -> [AdapterSummary] {
    try read { database in
      try database.all(
        Self.listing,
        [.text(after ?? ""), SQLValue(pattern), SQLValue(base), SQLValue(limit ?? -1)]
      ) { try AdapterSummary(&$0) }
    }
  }

  /// ?1 after which name, ?2 glob, ?3 base, ?4 limit.
  package static let listing = """
    SELECT a.name, (SELECT count(*) FROM versions c WHERE c.adapter_id = a.id), v.number,
      v.digest,
      (SELECT group_concat(l.alias || '@' || l.number, ' ') FROM aliases l
        WHERE l.adapter_id = a.id),
      b.name, v.method, v.rank, v.size, e.score, e.score_name, v.created
    FROM adapters a
    JOIN versions v ON v.adapter_id = a.id AND v.number =
      (SELECT max(n.number) FROM versions n WHERE n.adapter_id = a.id)
    JOIN bases b ON b.fingerprint = v.base_fingerprint
    LEFT JOIN evaluations e ON e.id =
      (SELECT max(m.id) FROM evaluations m WHERE m.version_id = v.id)
    WHERE a.name > ?1 AND (?2 IS NULL OR a.name GLOB ?2)
      AND (?3 IS NULL OR v.base_fingerprint = ?3)
    ORDER BY a.name LIMIT ?4
    """

  /// How many adapters have a version.
  public func adapterCount() throws -> Int {
    try read { database in
      try database.integer(
        """
        SELECT count(*) FROM adapters a
        WHERE EXISTS (SELECT 1 FROM versions v WHERE v.adapter_id = a.id)
        """)
    }
  }
}

extension AdapterSummary {
  init(_ row: inout Row) throws {
    let name = try row.text()
    self.name = name
    versionCount = try row.integer()
    newest = try row.integer()
    digest = try row.digest()
    let pairs = try row.optional { try $0.text() } ?? ""
    aliases = pairs.split(separator: " ").compactMap { pair in
      let halves = pair.split(separator: "@")
      guard halves.count == 2, let number = Int(halves[1]) else { return nil }
      return AliasRecord(adapter: name, alias: String(halves[0]), version: number)
    }.sorted { $0.alias < $1.alias }
    baseName = try row.text()
    method = try row.text()
    rank = try row.integer()
    size = try row.integer()
    score = try row.optional { try $0.real() }
    scoreName = try row.optional { try $0.text() }
    created = try row.date()
  }
}
