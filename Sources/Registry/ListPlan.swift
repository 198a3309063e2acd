/// How the adapters of one page are found: which rows are walked, and what each must satisfy.
///
/// A list shows the newest version of each adapter, so filters ask about that one. Where a filter lets few rows through, the
/// walk goes over these and sorts what it finds; else it goes over an index in the order of the list and ends when the page
/// is full. SQLite's planner cannot know which of the two is shorter; counting the first few thousand rows can.
package struct ListPlan {
  /// The rows that are walked.
  package enum Walk: Sendable, Hashable, CaseIterable {
    /// Filters: the tag named first, the base, the time, names that begin alike.
    case tag, base, since, prefix
    /// Orders.
    case names, created, size, scores
  }

  /// A filter that lets fewer rows than this through is walked: some milliseconds.
  package static let fewRows = 10_000

  /// The statement: it gives rows of `versions`.
  package let sql: String
  /// What is bound to it.
  package let values: [SQLValue]

  /// The plan of `query` over `walk`.
  /// - Parameter unscored: Whether only adapters without a score count, by name: what the walk over scores cannot find.
  package init(_ query: ListQuery, over walk: Walk, unscored: Bool = false) {
    var conditions = Conditions()
    conditions.add("v.number = (SELECT max(n.number) FROM versions n WHERE n.adapter_id = a.id)")
    if walk == .scores {
      conditions.add("e.score IS NOT NULL")
      conditions.add("e.id = \(Self.scoredEvaluation)")
    }
    if unscored { conditions.add("\(Self.score) IS NULL") }
    for (index, tag) in query.tags.enumerated() {
      conditions.add(
        walk == .tag && index == 0
          ? "d.tag = ?"
          : "EXISTS (SELECT 1 FROM tags t WHERE t.adapter_id = a.id AND t.tag = ?)", .text(tag))
    }
    if let base = query.base { conditions.add("v.base_fingerprint = ?", SQLValue(base)) }
    if let since = query.since { conditions.add("v.created >= ?", SQLValue(since)) }
    if let pattern = query.pattern { conditions.add(namesLike: [pattern]) }
    if let scopes = query.scopes { conditions.add(namesLike: scopes) }
    if let after = query.after { conditions.add("a.name > ?", .text(after)) }
    let order = unscored ? "a.name" : Self.order(query.order, over: walk)
    sql =
      "SELECT v.id FROM \(Self.source(of: walk)) "
      + "WHERE \(conditions.texts.joined(separator: " AND ")) ORDER BY \(order) LIMIT ?"
    values = conditions.values + [SQLValue(query.limit ?? -1)]
  }

  /// CROSS JOIN keeps the order as it stands here, and a missing index is an error: no page is slow in silence.
  private static func source(of walk: Walk) -> String {
    let newest = " CROSS JOIN versions v ON v.adapter_id = a.id"
    let adapter = " CROSS JOIN adapters a ON a.id = v.adapter_id"
    return switch walk {
    case .names, .prefix: "adapters a" + newest
    case .tag: "tags d CROSS JOIN adapters a ON a.id = d.adapter_id" + newest
    case .base: "versions v INDEXED BY versions_by_base" + adapter
    case .since, .created: "versions v INDEXED BY versions_by_created" + adapter
    case .size: "versions v INDEXED BY versions_by_size" + adapter
    case .scores:
      "evaluations e INDEXED BY evaluations_by_score CROSS JOIN versions v ON v.id = e.version_id"
        + adapter
    }
  }

  private static func order(_ order: ListQuery.Order, over walk: Walk) -> String {
    switch order {
    case .name: "a.name"
    case .score: (walk == .scores ? "e.score" : score) + " DESC, a.name"
    case .size: "v.size DESC, a.name"
    case .created: "v.created DESC, a.name"
    }
  }

  /// The evaluation whose score a list shows of the version in the row `v`: the newest on all of the data that its recipe
  /// holds out, else the newest on any.
  ///
  /// The run is found by its version, not by the version's own column, which lies behind long texts.
  static let scoredEvaluation = """
    coalesce((SELECT max(m.id) FROM runs r
        CROSS JOIN run_datasets h ON h.run_id = r.id AND h.role = 'eval'
        CROSS JOIN evaluations m ON m.version_id = r.version_id AND m.dataset_digest = h.digest
        WHERE r.version_id = v.id AND coalesce(m.rows, h.rows) >= h.rows),
      (SELECT max(m.id) FROM evaluations m WHERE m.version_id = v.id))
    """

  private static let score =
    "(SELECT s.score FROM evaluations s WHERE s.id = \(scoredEvaluation))"

  /// Comes after every character of a name.
  fileprivate static let afterNames = "{"

  /// What every name that the glob `pattern` matches begins with.
  fileprivate static func prefix(of pattern: String) -> String {
    String(pattern.prefix { !"*?[".contains($0) })
  }
}

extension ListPlan {
  /// The rows of the newest versions of the adapters that `query` asks for, in its order.
  package static func page(
    _ query: ListQuery, fewRows: Int = ListPlan.fewRows, in database: Database
  ) throws -> [Int] {
    func rows(_ plan: ListPlan) throws -> [Int] {
      try database.all(plan.sql, plan.values) { try $0.integer() }
    }
    let walk = try walk(for: query, fewRows: fewRows, in: database)
    var found = try rows(ListPlan(query, over: walk))
    guard walk == .scores, query.limit.map({ found.count < $0 }) ?? true else { return found }
    var rest = query
    rest.limit = query.limit.map { $0 - found.count }
    found += try rows(ListPlan(rest, over: .names, unscored: true))
    return found
  }

  /// The walk over the rarest filter where that is rare, else in the list's order.
  static func walk(for query: ListQuery, fewRows: Int, in database: Database) throws -> Walk {
    var best: (walk: Walk, count: Int)?
    func consider(_ walk: Walk, _ rows: String, _ values: [SQLValue]) throws {
      let limit = best?.count ?? fewRows
      let count = try database.integer(
        "SELECT count(*) FROM (SELECT 1 FROM \(rows) LIMIT ?)", values + [SQLValue(limit)])
      if count < limit { best = (walk, count) }
    }
    if let tag = query.tags.first { try consider(.tag, "tags WHERE tag = ?", [.text(tag)]) }
    if let base = query.base {
      try consider(.base, "versions WHERE base_fingerprint = ?", [SQLValue(base)])
    }
    if let since = query.since {
      try consider(.since, "versions WHERE created >= ?", [SQLValue(since)])
    }
    // In the order of names the walk over these is the walk over that prefix already.
    if query.order != .name, let prefix = query.pattern.map(prefix(of:)), !prefix.isEmpty {
      try consider(
        .prefix, "adapters WHERE name >= ? AND name < ?",
        [.text(prefix), .text(prefix + afterNames)])
    }
    if let best { return best.walk }
    switch query.order {
    case .name: return .names
    case .created: return .created
    case .size: return .size
    case .score: return .scores
    }
  }
}

/// What stands between WHERE and ORDER BY, and what is bound to it, in one order.
private struct Conditions {
  var texts: [String] = []
  var values: [SQLValue] = []

  mutating func add(_ text: String, _ value: SQLValue? = nil) {
    texts.append(text)
    if let value { values.append(value) }
  }

  /// Names that one of the globs matches; what they begin with bounds the walk over an index of names.
  mutating func add(namesLike globs: [String]) {
    let prefixes = globs.map(ListPlan.prefix)
    guard let first = prefixes.min(), let end = prefixes.map({ $0 + ListPlan.afterNames }).max()
    else { return add("0") }
    add("a.name >= ?", .text(first))
    add("a.name < ?", .text(end))
    add("(" + globs.map { _ in "a.name GLOB ?" }.joined(separator: " OR ") + ")")
    values += globs.map { .text($0) }
  }
}
