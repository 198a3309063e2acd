import Digests
import Foundation

/// What a bundle says, read and checked, without its bytes.
struct BundleContents {
  /// A version with what belongs to it.
  struct Version {
    let record: VersionRecord
    let run: Run?
    let evaluations: [EvaluationRecord]
  }

  /// The run that made a version.
  struct Run {
    let record: RunRecord
    let datasets: [String: DatasetRecord]
    let points: [RunPoint]
    let digests: [Int: Digest]
  }

  /// The adapter's name there.
  let adapter: String
  /// Its versions, oldest first.
  let versions: [Version]
  let tags: [String]
  let notes: [NoteRecord]
  let aliases: [AliasRecord]

  /// The digests of all bytes that belong to it.
  var blobs: Set<Digest> {
    Set(versions.flatMap { [$0.record.weights] + $0.evaluations.compactMap(\.answers) })
  }
}

extension Registry {
  /// What the bundle in `database` says.
  func contents(of database: Database) throws -> BundleContents {
    let names = try database.all("SELECT name FROM adapters LIMIT 2") { try $0.text() }
    guard let name = names.first, names.count == 1 else {
      throw RegistryError(.damaged, "it does not hold one adapter")
    }
    let id = try adapter(Reference.checkedName(name), in: database)
    if try database.integer("PRAGMA user_version") >= Schema.keysVersion {
      // Ours never have any: who was given one elsewhere is nobody's business here.
      guard try database.integer("SELECT count(*) FROM api_keys") == 0 else {
        throw RegistryError(.damaged, "it holds keys")
      }
    }
    let records = try database.all(
      VersionRecord.select + "WHERE v.adapter_id = ? ORDER BY v.number", [SQLValue(id)],
      VersionRecord.init)
    guard !records.isEmpty else { throw RegistryError(.damaged, "it holds no version") }
    let found = BundleContents(
      adapter: name, versions: try records.map { try versionContents($0, in: database) },
      tags: try database.all("SELECT tag FROM tags ORDER BY tag") { try $0.text() },
      notes: try notes(ofAdapter: id, in: database).reversed(),
      aliases: try database.all("SELECT alias, number FROM aliases ORDER BY alias") {
        AliasRecord(adapter: name, alias: try $0.text(), version: try $0.integer())
      })
    try BundleCheck(database: database).check(found)
    return found
  }

  private func versionContents(_ record: VersionRecord, in database: Database) throws
    -> BundleContents.Version
  {
    let version = try database.integer("PRAGMA user_version")
    let select =
      version < Schema.evaluationRowsVersion
      ? EvaluationRecord.selectFromEarlier : EvaluationRecord.select
    let evaluations = try database.all(
      select + """
        JOIN versions v ON v.id = e.version_id WHERE v.number = ? ORDER BY e.id
        """, [SQLValue(record.number)], EvaluationRecord.init)
    return BundleContents.Version(
      record: record, run: try record.run.map { try runContents($0, in: database) },
      evaluations: evaluations)
  }

  private func runContents(_ id: Int, in database: Database) throws -> BundleContents.Run {
    let version = try database.integer("PRAGMA user_version")
    return BundleContents.Run(
      record: try run(id, in: database), datasets: try datasets(ofRun: id, in: database),
      points: try points(ofRun: id, in: database),
      digests: version < Schema.runDigestsVersion
        ? [:] : try adapterDigests(ofRun: id, in: database))
  }
}
