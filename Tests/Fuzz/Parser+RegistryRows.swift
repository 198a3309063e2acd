import CommandLineTool
import Foundation
import Registry

extension Parser {
  /// A registry whose rows somebody has written into with SQL: well-formed pages, senseless values.
  ///
  /// The bytes are where the choice of rows and values starts.
  static func registryRows() throws -> Parser {
    let folder = try ScratchFolder()
    let path = folder.path("registry.sqlite")
    try fill(try Registry(path: path))
    let sound = [UInt8](try Data(contentsOf: URL(fileURLWithPath: path)))
    return Parser([Sample("seed", [1, 2, 3, 4, 5, 6, 7, 8], .binary)], slowness: 32) {
      sample, bytes in
      for tail in ["-wal", "-shm", "-journal"] {
        try? FileManager.default.removeItem(atPath: path + tail)
      }
      try folder.write(sound, "registry.sqlite")
      if bytes != sample.bytes { try SpoiltRows.spoil(path, seed: bytes) }
      for words in commands { try run(words, path) }
      try look(try Registry(path: path, create: false, busyTimeout: 10))
    }
  }

  private static let commands = [
    ["list"], ["show", "b"], ["show", "acme/a@1"], ["runs"], ["history", "b"], ["base", "list"],
    ["key", "list"], ["key", "add", "new"], ["key", "revoke", "ops"], ["history", "key:ops"],
    ["verify"], ["gc"], ["tag", "b", "x"], ["rollback", "acme/a", "production"],
    ["compare", "acme/a@1", "acme/a@2"],
  ]

  private static func run(_ words: [String], _ path: String) throws {
    for form in [["--quiet"], ["--json"]] {
      var errors = ""
      let console = Console(output: { _ in true }, error: { errors += $0 })
      let arguments = words + form + ["--registry", path, "--home", path + ".home"]
      let code = Tool.run(arguments, console: console, environment: [:])
      try require(code != .usage, "'\(words.joined(separator: " "))' is no command: \(errors)")
      // What `verify` finds is a line each.
      let lines = errors.split(separator: "\n").count
      try require(
        code == .done || lines <= 1 || words == ["verify"],
        "'\(words.joined(separator: " "))' fails with \(lines) lines: \(errors.replacing("\n", with: "|"))"
      )
    }
  }
}
