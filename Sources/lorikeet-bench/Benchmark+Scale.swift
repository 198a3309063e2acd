import Digests
import Dispatch
import Foundation
import Registry

extension Benchmark {
  /// What is asked of registries of growing size, and what a person waits for.
  struct ScaleQuestion {
    /// As in the entry's name.
    let name: String
    /// As in the plot; nil where it is left out there.
    let title: String?
    let ask: (ScaleRegistry) throws -> Void
  }

  /// `scale/QUESTION/SIZE`, in milliseconds. A registry is filled when it is first asked.
  func scaleEntries() -> [Entry] {
    let folder = FileManager.default.temporaryDirectory
      .appendingPathComponent("lorikeet-scale-\(ProcessInfo.processInfo.processIdentifier)")
    atExit { try? FileManager.default.removeItem(at: folder) }
    var filled: [String: ScaleRegistry] = [:]
    func registry(_ size: ScaleRegistry.Size) throws -> ScaleRegistry {
      if let known = filled[size.name] { return known }
      let made = try ScaleRegistry(size, in: folder)
      filled[size.name] = made
      return made
    }
    return scaleQuestions().flatMap { question in
      ScaleRegistry.Size.all.map { size in
        Entry(name: "scale/\(question.name)/\(size.name)", unit: "ms") {
          let registry = try registry(size)
          return try self.seconds { try question.ask(registry) } * 1000
        }
      }
    }
  }

  /// What was measured, by the number of adapters.
  func scalePlot(_ medians: [String: Double]) -> GrowthPlot {
    let lines = scaleQuestions().compactMap { question in
      question.title.map { title in
        GrowthPlot.Line(
          title: title,
          points: ScaleRegistry.Size.all.compactMap { size in
            medians["scale/\(question.name)/\(size.name)"].map { (size.adapters, $0) }
          })
      }
    }
    return GrowthPlot(
      title: "As a registry grows (10,000 adapters have 3 versions each, the others 1)",
      lines: lines.filter { !$0.points.isEmpty }, countTitle: "adapters in the registry",
      unit: "ms", decades: ((1, 5), (-2, 2)), bounds: [50, 80],
      boundsTitle: "dashed: the aims of 50 ms for a call and 80 ms for a command")
  }

  private func scaleQuestions() -> [ScaleQuestion] {
    listQuestions() + recordQuestions() + commandQuestions()
  }

  private func listQuestions() -> [ScaleQuestion] {
    [
      list("list-page", "list, the first page") { _, _ in },
      list("list-after") { $0.after = $1.middle },
      list("list-name") { $0.pattern = $1.middle.prefix { $0 != "/" } + "/*" },
      list("list-tag", "list, by a rare tag") { query, _ in query.tags = [ScaleRegistry.rareTag] },
      list("list-tag-common") { query, _ in query.tags = ["english"] },
      list("list-base") { query, _ in query.base = ScaleRegistry.rareBase },
      list("list-since") { query, _ in query.since = Date(timeIntervalSinceNow: -1) },
      list("sort-score", "list, the best 50") { query, _ in query.order = .score },
      list("sort-created") { query, _ in query.order = .created },
      list("sort-size") { query, _ in query.order = .size },
    ]
  }

  /// A page of 50.
  private func list(
    _ name: String, _ title: String? = nil,
    _ change: @escaping (inout ListQuery, ScaleRegistry) -> Void
  ) -> ScaleQuestion {
    ScaleQuestion(name: name, title: title) { scale in
      var query = ListQuery()
      query.limit = 50
      change(&query, scale)
      _ = try scale.registry.list(query)
    }
  }

  private func recordQuestions() -> [ScaleQuestion] {
    var next = 1_000
    return [
      ScaleQuestion(name: "open", title: "open") { scale in
        try Registry(path: scale.registry.path).markInterruptedRuns()
      },
      ScaleQuestion(name: "resolve", title: "resolve a reference") { scale in
        _ = try scale.registry.version(scale.middle + ":production")
      },
      ScaleQuestion(name: "show", title: "show") { try Self.show($0.middle, in: $0.registry) },
      ScaleQuestion(name: "wrong-name", title: "a wrong name") { scale in
        _ = try? scale.registry.version(scale.middle + "s")
      },
      ScaleQuestion(name: "publish", title: "publish, on disk") { scale in
        next += 1
        try scale.registry.publish(scale.version(scale.size.adapters / 2, next))
      },
      ScaleQuestion(name: "alias-move", title: nil) { scale in
        next += 1
        let newest = try scale.registry.version(scale.middle + ":latest").number
        try scale.registry.setAlias("canary", to: "\(scale.middle)@\(next % 2 == 0 ? 1 : newest)")
      },
    ]
  }

  /// What `lorikeet show` asks.
  private static func show(_ name: String, in registry: Registry) throws {
    let version = try registry.version(name)
    let versions = try registry.versions(of: name)
    _ = (try registry.aliases(of: name), try registry.aliasHistory(of: name))
    _ = (try registry.tags(of: name), try registry.notes(of: name))
    _ = try registry.versions(digest: version.digest.hex)
    for version in versions {
      _ = try registry.evaluations(of: .version(adapter: name, number: version.number))
    }
  }

  /// The command beside this one, as a process.
  private func commandQuestions() -> [ScaleQuestion] {
    let own = try? FileManager.default.destinationOfSymbolicLink(atPath: "/proc/self/exe")
    let command = URL(fileURLWithPath: own ?? CommandLine.arguments[0]).deletingLastPathComponent()
      .appendingPathComponent("lorikeet")
    guard FileManager.default.isExecutableFile(atPath: command.path) else {
      FileHandle.standardError.write(
        Data("no command at '\(command.path)': scale/command is left out\n".utf8))
      return []
    }
    return [
      ScaleQuestion(name: "command-list", title: "lorikeet list, a process") {
        try Self.run(command, ["list", "--limit", "50"], $0)
      },
      ScaleQuestion(name: "command-show", title: "lorikeet show, a process") {
        try Self.run(command, ["show", $0.middle], $0)
      },
    ]
  }

  /// Waits by a semaphore: `waitUntilExit` looks every 50 milliseconds only.
  private static func run(_ command: URL, _ arguments: [String], _ scale: ScaleRegistry) throws {
    let folder = URL(fileURLWithPath: scale.registry.path).deletingLastPathComponent().path
    let process = Process()
    process.executableURL = command
    process.arguments =
      arguments + ["--quiet", "--registry", scale.registry.path, "--home", folder]
    process.standardOutput = FileHandle.nullDevice
    let end = DispatchSemaphore(value: 0)
    process.terminationHandler = { _ in end.signal() }
    try process.run()
    end.wait()
    guard process.terminationStatus == 0 else {
      throw RegistryError(.database, "'lorikeet \(arguments.joined(separator: " "))' failed")
    }
  }
}
