import Digests
import Foundation
import Registry
import Testing

/// Counts work instead of time: steps of SQLite's machine, and what its plans look through.
@Suite("A page costs what it holds, not what the registry holds") struct ScaleTests {
  @Test("twenty times the adapters take less than twice the steps")
  func growth() throws {
    let few = try steps(adapters: 200)
    let many = try steps(adapters: 4_000)
    for question in Question.all {
      let (small, large) = (few[question.name] ?? 0, many[question.name] ?? 0)
      #expect(small > 0, "\(question.name) was not counted")
      #expect(large < 2 * small, "\(question.name): \(small) steps became \(large)")
    }
  }

  /// Steps that each question takes in a registry of so many adapters, by name.
  private func steps(adapters: Int) throws -> [String: Int] {
    let scratch = try Scratch()
    let registry = try Registry.withBase(scratch)
    try registry.read { try $0.run("PRAGMA synchronous = OFF") }
    try registry.crowd(adapters: adapters)
    let late = Date(timeIntervalSince1970: 1_900_000_000)
    try Registry(path: scratch.path, now: { late }).publish(
      draft("lone", seed: -1), alias: "production")
    var found: [String: Int] = [:]
    for question in Question.all {
      // Each on a connection of its own: opening is part of the count.
      let fresh = try scratch.open()
      try question.ask(fresh)
      found[question.name] = try fresh.read { $0.steps }
    }
    return found
  }

  @Test("every walk finds the same page", arguments: ListQuery.Order.allCases)
  func walks(order: ListQuery.Order) throws {
    let registry = try Registry.withBase(try Scratch())
    try registry.read { try $0.run("PRAGMA synchronous = OFF") }
    try registry.crowd(adapters: 40, versions: 3)
    try registry.removeVersion("\(crowdName(5))@3")
    _ = try registry.startRun(draftRun("team-1/unborn"))
    let all = try registry.list()
    #expect(all.count == 40)
    for tags in [[], ["common"], ["rare", "common"], ["absent"]] {
      for base in [nil, Digest.of("other")] {
        for since in [nil, all[20].created] {
          for pattern in [nil, "team-2/*", "*-000?", "team-[12]/crowd*"] {
            for limit in [nil, 3, 30] {
              var query = ListQuery()
              (query.tags, query.base, query.since) = (tags, base, since)
              (query.pattern, query.limit, query.order) = (pattern, limit, order)
              let expected = page(query, of: all)
              for few in [0, 1, 10, 10_000] {
                #expect(try names(query, fewRows: few, in: registry) == expected, "\(query) \(few)")
              }
            }
          }
        }
      }
    }
  }

  private func names(_ query: ListQuery, fewRows: Int, in registry: Registry) throws -> [String] {
    try registry.snapshot { database in
      let rows = try ListPlan.page(query, fewRows: fewRows, in: database)
      return try database.all(AdapterSummary.select, each: rows.map { [SQLValue($0)] }) {
        try $0.text()
      }
    }
  }

  /// What the list is by its definition, a name after the other.
  private func page(_ query: ListQuery, of all: [AdapterSummary]) -> [String] {
    func matches(_ name: String) -> Bool {
      switch query.pattern {
      case "team-2/*": name.hasPrefix("team-2/")
      case "*-000?": name.dropLast().hasSuffix("-000")
      case "team-[12]/crowd*": name.hasPrefix("team-1/crowd") || name.hasPrefix("team-2/crowd")
      default: true
      }
    }
    let base = query.base == nil ? nil : "other-base"
    let found = all.filter {
      matches($0.name) && Set(query.tags).isSubset(of: $0.tags)
        && base ?? $0.baseName == $0.baseName
        && query.since ?? $0.created <= $0.created
    }
    let sorted =
      switch query.order {
      case .name: found
      case .score: found.sorted { ($1.score ?? -1, $0.name) < ($0.score ?? -1, $1.name) }
      case .size: found.sorted { ($1.size, $0.name) < ($0.size, $1.name) }
      case .created: found.sorted { ($1.created, $0.name) < ($0.created, $1.name) }
      }
    return sorted.prefix(query.limit ?? .max).map(\.name)
  }

  @Test("no walk looks through rows without an index", arguments: ListPlan.Walk.allCases)
  func plans(walk: ListPlan.Walk) throws {
    var query = ListQuery()
    query.order = [.created: .created, .size: .size, .scores: .score][walk] ?? .name
    if walk == .tag { query.tags = ["common"] }
    if walk == .base { query.base = Digest.of("other") }
    if walk == .since { query.since = Date(timeIntervalSince1970: 1_700_000_000) }
    if walk == .prefix { query.pattern = "team-2/*" }
    let registry = try Registry.withBase(try Scratch())
    let plan = ListPlan(query, over: walk)
    let steps = try registry.plan(plan.sql, plan.values)
    let isFilter = [.tag, .base, .since].contains(walk)
    for step in steps {
      #expect(!step.hasPrefix("SCAN") || step.contains("USING COVERING INDEX"), "\(steps)")
      #expect(isFilter || step != "USE TEMP B-TREE FOR ORDER BY", "\(steps)")
    }
  }

  @Test("a line of the list and a version are found by indexes alone")
  func lines() throws {
    let registry = try Registry.withBase(try Scratch())
    for sql in [
      AdapterSummary.select, VersionRecord.select + "WHERE v.adapter_id = ? AND v.number = ?",
      VersionRecord.select + "WHERE v.digest >= ? AND v.digest < ?",
    ] {
      let count = sql.count { $0 == "?" }
      let steps = try registry.plan(sql, [SQLValue](repeating: 1, count: count))
      #expect(steps.allSatisfy { !$0.contains("SCAN") && !$0.contains("TEMP B-TREE") }, "\(steps)")
    }
  }
}

/// Something that is asked of a registry.
private struct Question: Sendable {
  let name: String
  let ask: @Sendable (Registry) throws -> Void

  static let all: [Question] =
    [
      list("first page") { _ in },
      list("page after a name") { $0.after = "team-3/" },
      list("names that begin alike") { $0.pattern = "team-2/crowd-000*" },
      list("a common tag") { $0.tags = ["common"] },
      list("a rare tag") { $0.tags = ["rare"] },
      list("a rare and a common tag, by size") {
        ($0.tags, $0.order) = (["rare", "common"], .size)
      },
      list("a base") { $0.base = Digest.of("other") },
      list("published lately") { $0.since = Date(timeIntervalSince1970: 1_800_000_000) },
      list("by score") { $0.order = .score },
      list("by size") { $0.order = .size },
      list("by time") { $0.order = .created },
      list("names that begin alike, by time") {
        ($0.pattern, $0.order) = ("team-2/crowd-000*", .created)
      },
      Question(name: "resolve") { registry in
        for reference in ["lone", "lone:production", "lone@1", "lone:latest"] {
          let version = try registry.version(reference)
          #expect(version.number == 1)
        }
      },
      Question(name: "show") { registry in
        let version = try registry.version("lone")
        #expect(try registry.versions(of: "lone").count == 1)
        #expect(try registry.versions(digest: version.digest.hex).count == 1)
        #expect(try registry.aliases(of: "lone").count == 1)
        #expect(try registry.aliasHistory(of: "lone").count == 1)
        #expect(try registry.tags(of: "lone").isEmpty && registry.notes(of: "lone").isEmpty)
        #expect(try registry.evaluations(of: .version(adapter: "lone", number: 1)).isEmpty)
        #expect(try registry.runs(of: "lone", limit: 20).isEmpty)
        #expect(try registry.auditTrail(of: "lone").count == 2)
        #expect(try registry.weights(of: version).count == 4)
      },
      Question(name: "open") { registry in
        let marked = try registry.markInterruptedRuns()
        #expect(marked.isEmpty)
      },
      Question(name: "publish, move and roll back") { registry in
        try registry.publish(draft("lone", seed: -2), alias: "production")
        try registry.rollback("lone", alias: "production")
      },
    ]

  /// A page of 20; a filter is rare here where it lets less than 50 through.
  private static func list(_ name: String, _ change: @escaping @Sendable (inout ListQuery) -> Void)
    -> Question
  {
    Question(name: "list: " + name) { registry in
      var query = ListQuery()
      query.limit = 20
      change(&query)
      let asked = query
      let found = try registry.snapshot { database in
        let page = try ListPlan.page(asked, fewRows: 50, in: database)
        return try database.all(
          AdapterSummary.select, each: page.map { [SQLValue($0)] }, AdapterSummary.init)
      }
      #expect(!found.isEmpty, "\(name) finds nothing")
    }
  }
}

extension Registry {
  /// The lines of SQLite's plan for `sql`.
  fileprivate func plan(_ sql: String, _ values: [SQLValue]) throws -> [String] {
    try read { database in
      try database.all("EXPLAIN QUERY PLAN " + sql, values) { row in
        for _ in 0..<3 { _ = try row.integer() }
        return try row.text()
      }
    }
  }
}
