import Foundation

/// A folder of its own for one process's files; it goes away with the process that made it, however that ends.
final class ScratchFolder {
  private let url: URL

  init() throws {
    // The one who started this process gives a folder and takes it away again.
    let parent = ProcessInfo.processInfo.environment["LORIKEET_FUZZ_FOLDER"].map {
      URL(fileURLWithPath: $0)
    }
    url = (parent ?? FileManager.default.temporaryDirectory).appendingPathComponent(
      "lorikeet-fuzz-" + UUID().uuidString)
    try FileManager.default.createDirectory(at: url, withIntermediateDirectories: true)
  }

  deinit { try? FileManager.default.removeItem(at: url) }

  func path(_ name: String) -> String { name.isEmpty ? url.path : url.path + "/" + name }

  /// Writes the file `name`, in folders that are made where they are not there.
  func write(_ bytes: [UInt8], _ name: String) throws {
    let file = url.appendingPathComponent(name)
    if name.contains("/") {
      try FileManager.default.createDirectory(
        at: file.deletingLastPathComponent(), withIntermediateDirectories: true)
    }
    // A new file: one that is mapped must not be cut short, and file systems write one that was emptied to the disk.
    _ = unsafe unlink(file.path)
    try Data(bytes).write(to: file)
  }
}
