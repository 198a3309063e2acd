extension Database {
  /// What SQLite finds wrong with the file's structure, at most so many lines of it, and with its references.
  func faults(atMost limit: Int) throws -> [String] {
    let pages = try all("PRAGMA integrity_check(\(limit))") { try $0.text() }
    let references = try all("PRAGMA foreign_key_check") { try $0.text() }
    return pages.filter { $0 != "ok" }
      + Set(references).sorted().map { "rows of '\($0)' point at nothing" }
  }
}
