import Registry
import Tensors

/// Rows of a registry or a bundle that somebody has written into with SQL: sound pages, senseless values.
enum SpoiltRows {
  /// Writes one to three senseless values into columns of any table; the bytes `seed` say which.
  static func spoil(_ path: String, seed: [UInt8]) throws {
    let start = seed.reduce(UInt64(seed.count)) { SplitMix64.mix($0 &+ UInt64($1)) }
    var mutator = Mutator(random: SplitMix64(seed: start), samples: [])
    let database = try Database(path: path, busyTimeout: 0)
    try database.script("PRAGMA foreign_keys = OFF; PRAGMA ignore_check_constraints = ON")
    // What keeps rows as they are is put back, or a bundle's schema is not ours any more.
    let triggers = try database.all("SELECT name, sql FROM sqlite_schema WHERE type = 'trigger'") {
      (name: try $0.text(), sql: try $0.text())
    }
    for trigger in triggers { try database.script("DROP TRIGGER \(trigger.name)") }
    defer { for trigger in triggers { try? database.script(trigger.sql) } }
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
