import Digests
import Foundation
import JSON
import Lorikeet
import Registry

/// Whether something other than a directory is at `path`.
func isFile(_ path: String) -> Bool {
  var isFolder: ObjCBool = false
  let exists = unsafe FileManager.default.fileExists(atPath: path, isDirectory: &isFolder)
  return exists && !isFolder.boolValue
}

extension Session {
  /// `export --bundle`.
  func exportBundle(_ file: String) throws {
    guard arguments.positional(1) == nil else {
      throw arguments.misuse("give DIR or --bundle FILE, not both")
    }
    let done = try workspace().exportBundle(
      argument(0), all: arguments.flag("all"), to: file, replacing: arguments.flag("replace"))
    let names = done.versions.map(\.reference)
    say(
      "\(names.joined(separator: ", ")) in '\(file)' (\(humanSize(done.size)), checked)",
      [
        "file": .string(file), "size": .int(done.size),
        "versions": .array(done.versions.map(\.json)),
      ])
  }

  /// `import` of a file.
  func importBundle(_ file: String) throws {
    for option in ["base", "system", "note"] where arguments.flag(option) {
      throw arguments.misuse("--\(option) goes with a directory; a bundle says it itself")
    }
    tell(try workspace().importBundle(file, name: arguments.string("name")))
  }

  private func tell(_ done: BundleImport) {
    if console.json { return console.result(done.json) }
    for item in done.versions {
      let moved =
        item.bundledNumber == item.version.number ? "" : ", version \(item.bundledNumber) there"
      console.line(
        item.isNew
          ? "imported \(console.bold(item.version.reference)) (\(item.version.digest.short), "
            + "\(humanSize(item.version.size))\(moved)) for \(item.version.baseName)"
          : "\(console.bold(item.version.reference)) is here already\(moved)")
    }
    if done.evaluations > 0 { console.line("\(counted(done.evaluations, "evaluation")) added") }
    for alias in done.aliases {
      console.note(
        "note: there, \(alias.alias) is \(alias.adapter)@\(alias.version); to have it so here: "
          + "lorikeet alias \(alias.adapter)@\(alias.version) \(alias.alias)")
    }
  }
}

extension BundleImport {
  fileprivate var json: JSONValue {
    [
      "adapter": .string(adapter), "evaluations": .int(evaluations),
      "bundleAliases": aliases.json,
      "versions": .array(
        versions.map { item in
          var json = item.version.json.objectValue ?? JSONObject([])
          json["isNew"] = .bool(item.isNew)
          json["bundledNumber"] = .int(item.bundledNumber)
          return .object(json)
        }),
    ]
  }
}
