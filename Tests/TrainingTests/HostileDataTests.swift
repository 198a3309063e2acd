import Foundation
import Testing
import Training

/// Datasets and recipes that mean harm.
@Suite("Hostile data") struct HostileDataTests {
  /// Calls `body` with a path that `make` may put something at.
  private func at(
    _ name: String, _ make: (String) throws -> Void, _ body: (String) throws -> Void
  ) throws {
    let folder = FileManager.default.temporaryDirectory.appendingPathComponent(
      "lorikeet-data-\(UUID().uuidString)")
    try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
    defer { try? FileManager.default.removeItem(at: folder) }
    let path = folder.appendingPathComponent(name).path
    try make(path)
    try body(path)
  }

  @Test("pipes and devices are refused instead of read for ever")
  func pipes() throws {
    for name in ["rows.jsonl", "recipe.json"] {
      for isPipe in [true, false] {
        try at(name) { path in
          if isPipe {
            #expect(unsafe mkfifo(path, 0o600) == 0)
          } else {
            try FileManager.default.createSymbolicLink(
              atPath: path, withDestinationPath: "/dev/zero")
          }
        } _: { path in
          let error = #expect(throws: TrainingError.self) {
            if name == "recipe.json" {
              _ = try Recipe.load(path: path)
            } else {
              _ = try Dataset.load(path: path)
            }
          }
          #expect(error?.code == .cannotRead)
          #expect(error?.message.contains("'\(path)' is not a regular file") == true)
        }
      }
    }
  }

  @Test("a file of a terabyte is refused before any of it is read")
  func sparse() throws {
    try at("rows.txt") { path in
      try Data().write(to: URL(fileURLWithPath: path))
      try FileHandle(forWritingTo: URL(fileURLWithPath: path)).truncate(atOffset: 1 << 40)
    } _: { path in
      let error = #expect(throws: TrainingError.self) { try Dataset.load(path: path) }
      #expect(error?.message.contains("larger than 256 MiB; split it") == true)
    }
  }

  @Test(
    "a line beyond 16 MiB is refused with its number",
    arguments: ["rows.jsonl", "rows.csv", "rows.tsv", "rows.txt"])
  func longLine(name: String) {
    let first =
      ["jsonl": "{\"text\":\"a\"}\n", "csv": "text\n", "tsv": "text\n", "txt": "a\n"][
        String(name.dropFirst(5))] ?? ""
    let bytes = Array(first.utf8) + [UInt8](repeating: 0x61, count: (16 << 20) + 1)
    let error = #expect(throws: TrainingError.self) { try Dataset(bytes: bytes, path: name) }
    #expect(error?.message == "'\(name)', line 2: longer than 16 MiB")
  }
}
