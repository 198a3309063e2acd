import Foundation
import JSON
import Lorikeet
import Registry

extension Tool {
  static let list = Command(
    CommandSpec(
      "list", group: "Registry", summary: "list the adapters",
      details: [
        "A score is that of the newest version: its newest on all of the data that its recipe holds out, where it has been "
          + "measured on that, else its newest on any; --json names the data.",
        "In a terminal \(adaptersOnAPage) adapters are shown, and how to see more; all of them go into a file, a pipe "
          + "or JSON.",
      ],
      positionals: [PositionalSpec("PATTERN", .optional, help: "only these names: 'acme/*'")],
      options: [
        OptionSpec("name", "PATTERN", help: "the same as PATTERN"),
        OptionSpec("base", "NAME", help: "only adapters of this base"),
        OptionSpec("tag", "TAG", repeats: true, help: "only adapters with this tag"),
        OptionSpec("since", "WHEN", help: "only published since: 24h, 7d, or 2026-11-01"),
        OptionSpec("sort", "BY", help: "name, score, size or created (default name)"),
        OptionSpec(
          "limit", "N", help: "at most so many (default \(adaptersOnAPage) in a terminal)"),
        OptionSpec("all", help: "all, in a terminal too"),
        OptionSpec("after", "NAME", help: "only names after this: the next page"),
      ],
      examples: [
        ExampleSpec("lorikeet list", "the first \(adaptersOnAPage) adapters"),
        ExampleSpec("lorikeet list 'acme/*' --json", "one customer's, for a script"),
        ExampleSpec("lorikeet list --tag beta --since 7d --sort score", "the best of the week"),
      ])
  ) { session in
    let registry = try session.workspace().registry
    let query = try session.listQuery(registry)
    let console = session.console
    // One more than is shown tells whether there are more.
    var asked = query
    asked.limit = query.limit.map { $0 + 1 }
    let found = try registry.list(asked)
    let adapters = query.limit.map { Array(found.prefix($0)) } ?? found
    if console.json { return console.result(.array(adapters.map(\.json))) }
    if adapters.isEmpty {
      return console.note(
        try registry.list(oneAdapter).isEmpty
          ? "no adapter yet: 'lorikeet train Adapters/intent-kwikemart' makes one"
          : "no adapter matches")
    }
    session.tell(adapterTable(adapters))
    guard let last = adapters.last, found.count > adapters.count else { return }
    let next = query.order == .name ? "--after \(last.name), " : ""
    console.note("there are more: \(next)--limit N or --all")
  }

  /// What a terminal is given unless it asks for more.
  fileprivate static let adaptersOnAPage = 50

  /// The shortest list that tells whether there is any.
  private static var oneAdapter: ListQuery {
    var query = ListQuery()
    query.limit = 1
    return query
  }

  /// The version is the newest; tags have a column where there are any.
  private static func adapterTable(_ adapters: [AdapterSummary]) -> Table {
    let hasTags = adapters.contains { !$0.tags.isEmpty }
    var table = Table(
      [
        .init("NAME"), .init("VERSION", isNumber: true, weight: 4), .init("ALIASES", weight: 6),
        .init("SCORE", weight: 7), .init("METHOD", weight: 5),
        .init("SIZE", isNumber: true, weight: 1), .init("BASE", weight: 0),
        .init("PUBLISHED", weight: 3),
      ] + (hasTags ? [.init("TAGS", weight: 2)] : []))
    for adapter in adapters {
      table.add(
        [
          adapter.name, "\(adapter.newest)", aliasText(adapter.aliases),
          scoreText(adapter.score, adapter.scoreName), "\(adapter.method) r\(adapter.rank)",
          humanSize(adapter.size), adapter.baseName, humanAge(adapter.created),
        ] + (hasTags ? [adapter.tags.joined(separator: " ")] : []))
    }
    return table
  }
}

extension Session {
  fileprivate func listQuery(_ registry: Registry) throws -> ListQuery {
    var query = ListQuery()
    query.pattern = arguments.positional(0) ?? arguments.string("name")
    if arguments.positional(0) != nil, arguments.flag("name") {
      throw arguments.misuse("PATTERN and --name are the same; give one")
    }
    query.base = try arguments.string("base").map { try registry.base($0).fingerprint }
    query.tags = arguments.strings("tag")
    query.since = try arguments.string("since").map(moment)
    let orders = ListQuery.Order.allCases.map(\.rawValue)
    query.order = try arguments.choice("sort", of: orders).flatMap(ListQuery.Order.init) ?? .name
    query.after = arguments.string("after")
    if query.after != nil, query.order != .name {
      throw arguments.misuse("--after goes with the order by name only")
    }
    query.limit = try arguments.integer("limit", in: 1...1_000_000)
    if arguments.flag("all"), query.limit != nil {
      throw arguments.misuse("--all and --limit exclude each other")
    }
    let isPaged = console.width != nil && !console.json && !arguments.flag("all")
    if isPaged { query.limit = query.limit ?? Tool.adaptersOnAPage }
    return query
  }

  /// The moment that `text` means: so many hours or days ago, or the start of a day in UTC.
  private func moment(_ text: String) throws -> Date {
    let seconds: [Character: Double] = ["h": 3600, "d": 86_400, "w": 7 * 86_400]
    if let unit = text.last.flatMap({ seconds[$0] }), let count = Int(text.dropLast()),
      (0...100_000).contains(count)
    {
      return Date(timeIntervalSinceNow: -unit * Double(count))
    }
    let day = Date.ISO8601FormatStyle().year().month().day()
    if let date = try? day.parse(text) { return date }
    throw arguments.misuse("--since takes hours, days, weeks or a day (24h, 7d, 2w, 2026-11-01)")
  }
}
