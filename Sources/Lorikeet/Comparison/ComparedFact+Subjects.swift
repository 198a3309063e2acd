import Digests
import Foundation
import JSON
import Registry
import Training

extension ComparedFact {
  /// What the adapters' configurations and recipes say, key by key; keys that none has are left out.
  static func configuration(_ subjects: [ComparedSubject]) throws -> [ComparedFact] {
    let configurations = try subjects.map { subject in
      try subject.version.flatMap { try JSONValue(parsing: $0.configuration).objectValue }
    }
    let recipes = try subjects.map { subject in
      try subject.run.flatMap { try JSONValue(parsing: $0.recipe).objectValue.map(flattened) }
    }
    return facts(configurations, apartFrom: []) + facts(recipes, apartFrom: alsoInConfiguration)
  }

  /// The members with those of objects inside in their place: `optimizer.lr`.
  private static func flattened(_ object: JSONObject) -> JSONObject {
    JSONObject(
      object.members.flatMap { member -> [(String, JSONValue)] in
        guard let inner = member.value.objectValue else { return [(member.key, member.value)] }
        return flattened(inner).members.map { ("\(member.key).\($0.key)", $0.value) }
      })
  }

  /// Keys of a recipe that the configuration says already, or that the lineage tells.
  private static let alsoInConfiguration: Set<String> = [
    "rank", "alpha", "targets", "rankPattern", "alphaPattern", "layers", "exclude", "dropout",
    "init", "method", "data.train", "data.eval", "seed", "steps", "name", "about", "base", "system",
    "style",
  ]

  private static func facts(_ objects: [JSONObject?], apartFrom left: Set<String>) -> [ComparedFact]
  {
    var keys: [String] = []
    for object in objects {
      for key in object?.keys ?? [] where !keys.contains(key) && !left.contains(key) {
        keys.append(key)
      }
    }
    return keys.compactMap { key in
      let values = objects.map { object in
        object?[key].flatMap { $0.isNull ? nil : $0.stringValue ?? $0.text(.compact) }
      }
      guard values.contains(where: { $0 != nil }) else { return nil }
      return ComparedFact(name: key, values: values, concerns: objects.map { $0 != nil })
    }
  }

  /// Where the subjects come from; what none has is left out.
  static func lineage(_ subjects: [ComparedSubject], _ registry: Registry) throws -> [ComparedFact]
  {
    let datasets = try subjects.map { subject in
      try subject.run.map { try registry.datasets(ofRun: $0.id) } ?? [:]
    }
    let contracts = try subjects.map { subject in
      try subject.version.map { try JSONValue(parsing: $0.promptContract) }
    }
    func of(_ name: String, _ value: (Int) throws -> String?) rethrows -> ComparedFact {
      ComparedFact(
        name: name, values: try subjects.indices.map(value),
        concerns: subjects.map { $0.version != nil })
    }
    func data(_ role: String, _ index: Int) -> String? {
      datasets[index][role].map {
        "\(($0.path as NSString).lastPathComponent), \($0.rows) rows, \($0.digest.short)"
      }
    }
    let all = [
      of("digest") { subjects[$0].version?.digest.short },
      of("base") { subjects[$0].version.map { "\($0.baseName) (\($0.base.short))" } },
      of("parent") { subjects[$0].version?.parent?.short },
      of("published") { subjects[$0].version?.created.formatted(.iso8601) },
      of("run") { subjects[$0].run.map { "\($0.id)" } },
      of("steps") { subjects[$0].run.map { "\($0.step)" } },
      of("last training loss") { subjects[$0].run?.loss.map { String(format: "%.4f", $0) } },
      of("seed") { subjects[$0].run.map { "\($0.seed)" } },
      of("program") { subjects[$0].run?.program },
      of("training data") { data("train", $0) }, of("held-out data") { data("eval", $0) },
      of("prompt style") { contracts[$0]?["style"]?.stringValue },
      of("chat template") {
        contracts[$0]?["chatTemplate"]?.stringValue.map { Digest.of($0).short }
      },
      of("system") { contracts[$0]?["system"]?.stringValue },
      of("weights") {
        subjects[$0].version.map { String(format: "%.1f MB", Double($0.size) / 1e6) }
      },
    ]
    return all.filter { $0.values.contains { $0 != nil } }
  }
}
