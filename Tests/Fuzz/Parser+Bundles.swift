import Digests
import Foundation
import Registry

extension Parser {
  /// A bundle's file, byte by byte.
  static func bundle() throws -> Parser {
    let folder = try ScratchFolder()
    let sample = Sample("bundle", try exported(folder), .binary)
    let target = try Target(folder)
    return Parser([sample], slowness: 8) { _, bytes in
      try folder.write(bytes, "in.bundle")
      try target.take(folder.path("in.bundle"))
    }
  }

  /// A bundle whose rows somebody has written into.
  static func bundleRows() throws -> Parser {
    let folder = try ScratchFolder()
    let sound = try exported(folder)
    let target = try Target(folder)
    return Parser([Sample("seed", [1, 2, 3, 4, 5, 6, 7, 8], .binary)], slowness: 4) {
      sample, bytes in
      try folder.write(sound, "in.bundle")
      if bytes != sample.bytes { try SpoiltRows.spoil(folder.path("in.bundle"), seed: bytes) }
      try target.take(folder.path("in.bundle"))
    }
  }

  private static func exported(_ folder: ScratchFolder) throws -> [UInt8] {
    let source = try Registry(path: folder.path("source.sqlite"))
    try fill(source)
    let file = folder.path("sound.bundle")
    try source.exportBundle("b", all: true, to: file)
    return [UInt8](try Data(contentsOf: URL(fileURLWithPath: file)))
  }

  /// A registry that bundles are taken into; it is made anew behind each that came in.
  private struct Target {
    let folder: ScratchFolder
    let empty: [UInt8]
    var path: String { folder.path("target.sqlite") }

    init(_ folder: ScratchFolder) throws {
      self.folder = folder
      try addBase(to: try Registry(path: folder.path("empty.sqlite")))
      empty = [UInt8](try Data(contentsOf: URL(fileURLWithPath: folder.path("empty.sqlite"))))
    }

    func take(_ file: String) throws {
      for tail in ["-wal", "-shm", "-journal"] {
        try? FileManager.default.removeItem(atPath: path + tail)
      }
      try folder.write(empty, "target.sqlite")
      let registry = try Registry(path: path)
      do {
        _ = try registry.importBundle(file) { _, _ in }
      } catch {
        for table in [
          "adapters", "versions", "blobs", "runs", "run_points", "run_digests", "evaluations",
          "datasets",
        ] {
          let rows = try registry.read { try $0.integer("SELECT count(*) FROM \(table)") }
          try require(rows == 0, "a refused bundle left \(rows) rows in '\(table)'")
        }
        throw error
      }
      try look(registry)
      try require(try registry.verify().isSound, "what was taken in is not sound")
    }
  }
}
