import CommandLineTool
import Foundation
import Registry
import Tensors

extension Parser {
  /// A registry whose rows somebody has written into with SQL: well-formed pages, senseless values.
  ///
  /// The bytes are where the choice of rows and values starts.
  static func registryRows() throws -> Parser {
    let folder = try ScratchFolder()
    let path = folder.path("registry.sqlite")
    try fill(try Registry(path: path))
    let sound = [UInt8](try Data(contentsOf: URL(fileURLWithPath: path)))
    return Parser([Sample("seed", [1, 2, 3, 4, 5, 6, 7, 8], .binary)], slowness: 16) {
      sample, bytes in
      for tail in ["-wal", "-shm", "-journal"] {
        try? FileManager.default.removeItem(atPath: path + tail)
      }
      try folder.write(sound, "registry.sqlite")
      let seed = bytes.reduce(UInt64(bytes.count)) { SplitMix64.mix($0 &+ UInt64($1)) }
      if bytes != sample.bytes { try spoil(path, random: SplitMix64(seed: seed)) }
      for words in commands { try run(words, path) }
      try look(try Registry(path: path, create: false, busyTimeout: 10))
    }
  }

  private static let commands = [
    ["list"], ["show", "b"], ["show", "acme/a@1"], ["runs"], ["history", "b"], ["base", "list"],
    ["verify"], ["gc"], ["tag", "b", "x"], ["rollback", "acme/a", "production"],
  ]

  private static func run(_ words: [String], _ path: String) throws {
    for form in [[], ["--json"]] {
      var errors = ""
      let console = Console(output: { _ in }, error: { errors += $0 })
      let arguments = words + form + ["--registry", path, "--home", path + ".home"]
      let code = Tool.run(arguments, console: console, environment: [:])
      try require(code != .usage, "'\(words.joined(separator: " "))' is no command: \(errors)")
      // What `verify` finds is a line each.
      let lines = errors.split(separator: "\n").count
      try require(
        code == .done || lines <= 1 || words == ["verify"],
        "'\(words.joined(separator: " "))' fails with \(lines) lines")
    }
  }

  /// Writes one to three senseless values into columns of any table.
  private static func spoil(_ path: String, random: SplitMix64) throws {
    var mutator = Mutator(random: random, samples: [])
    let database = try Database(path: path, busyTimeout: 0)
    try database.script("PRAGMA foreign_keys = OFF; PRAGMA ignore_check_constraints = ON")
    let triggers = try database.all("SELECT name FROM sqlite_schema WHERE type = 'trigger'") {
      try $0.text()
    }
    for trigger in triggers { try database.script("DROP TRIGGER \(trigger)") }
    let columns = try database.all(
      """
      SELECT t.name, c.name, c.type FROM pragma_table_list t, pragma_table_info(t.name) c
      WHERE t.name NOT LIKE 'sqlite%' AND t.type = 'table' ORDER BY 1, 2
      """
    ) { (try $0.text(), try $0.text(), try $0.text()) }
    for _ in 0...mutator.below(3) {
      let (table, column, type) = mutator.pick(columns)
      let value =
        switch type {
        case "INTEGER": mutator.pick(integers)
        case "REAL": mutator.pick(["1e308", "-1e308", "9e999", "-9e999", "NULL", "0.0", "1e-320"])
        case "BLOB": mutator.pick(["x''", "x'00ff'", "zeroblob(1000000)"])
        default: mutator.pick(texts)
        }
      let row = mutator.pick(["", " WHERE rowid = 1", " WHERE rowid = 2"])
      // A table without row numbers, a value that stands already or may not be NULL: then nothing is spoilt.
      try? database.script("UPDATE \(table) SET \(column) = \(value)\(row)")
    }
  }

  private static let integers = [
    "0", "-1", "1", "2", "7", "NULL", "2147483648", "-9223372036854775808", "9223372036854775807",
    "9223372036854775806", "253402300800000", "-62135596800001", "4611686018427387904", "67108864",
  ]

  private static let texts = [
    "''", "NULL", "'\u{1B}[2J'", "char(0)", "char(10, 13)", "'a b'", "'a@b'", "'@'",
    "'production@x'", "'{'",
    "'[]'", "'{}'", "'null'", "'{\"r\":-1}'", "'../../x'", "'running'", "'completed'", "'lora'",
    "'b'", "'acme/a'",
    "hex(zeroblob(50000))", "hex(zeroblob(32))", "lower(hex(zeroblob(32)))",
    "CAST(x'ff80c0' AS TEXT)", "'e\u{301}'",
  ]
}
