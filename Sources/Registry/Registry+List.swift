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
  /// The score of its newest evaluation on all of the data that its recipe holds out, else on any.
  public let score: Double?
  /// What the score is called.
  public let scoreName: String?
  /// The data of the score, with as many rows as were measured; nil where there is no evaluation.
  public let scoreData: DatasetRecord?
  /// When the newest version was published.
  public let created: Date
  /// Its tags, in order.
  public let tags: [String]
}

/// Which adapters to list, and in which order.
public struct ListQuery: Sendable, Hashable {
  /// What a list is sorted by: names upwards, all else downwards.
  public enum Order: String, Sendable, Hashable, CaseIterable {
    case name, score, size, created
  }

  /// Only names that this glob (`acme/*`) matches.
  public var pattern: String?
  /// Only names that one of these matches, patterns as the scopes of keys have them; nil for all.
  public var scopes: [String]?
  /// Only those whose newest version fits the base of this fingerprint.
  public var base: Digest?
  /// Only those with all of these tags.
  public var tags: [String] = []
  /// Only those whose newest version was published then or later.
  public var since: Date?
  /// What comes first.
  public var order = Order.name
  /// Only names after this one: the last of the page before. Goes with the order by name.
  public var after: String?
  /// At most this many.
  public var limit: Int?

  /// All, by name.
  public init() {}
}

extension Registry {
  /// The adapters that have a version and that `query` asks for.
  ///
  /// A page costs what it holds and what its rarest filter lets through, not what the registry holds (`ListPlan`).
  public func list(_ query: ListQuery = ListQuery()) throws -> [AdapterSummary] {
    guard query.after == nil || query.order == .name else {
      throw RegistryError(.badArgument, "a page after a name goes with the order by name only")
    }
    return try snapshot { database in
      let page = try ListPlan.page(query, in: database)
      return try database.all(
        AdapterSummary.select, each: page.map { [SQLValue($0)] }, AdapterSummary.init)
    }
  }

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
  /// The line of the adapter whose newest version is in the row `?` of `versions`.
  package static let select = """
    SELECT a.name, (SELECT count(*) FROM versions c WHERE c.adapter_id = a.id), v.number,
      v.digest,
      (SELECT group_concat(l.alias || '@' || l.number, ' ') FROM aliases l
        WHERE l.adapter_id = a.id),
      b.name, v.method, v.rank, v.size, e.score, e.score_name, v.created,
      (SELECT group_concat(t.tag, ' ') FROM tags t WHERE t.adapter_id = a.id),
      d.digest, d.path, coalesce(e.rows, d.rows)
    FROM versions v
    JOIN adapters a ON a.id = v.adapter_id
    JOIN bases b ON b.fingerprint = v.base_fingerprint
    LEFT JOIN evaluations e ON e.id = \(ListPlan.scoredEvaluation)
    LEFT JOIN datasets d ON d.digest = e.dataset_digest
    WHERE v.id = ?
    """

  package init(_ row: inout Row) throws {
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
    tags = (try row.optional { try $0.text() } ?? "").split(separator: " ").map(String.init)
      .sorted()
    scoreData = try row.optional { try $0.digest() }.map {
      DatasetRecord(digest: $0, path: try row.text(), rows: try row.integer())
    }
  }
}
