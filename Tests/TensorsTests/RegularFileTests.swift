import Foundation
import Tensors
import Testing

/// What may lie where a file is expected.
@Suite("Regular files") struct RegularFileTests {
  private func folder() throws -> URL {
    let folder = FileManager.default.temporaryDirectory.appendingPathComponent(
      "lorikeet-files-\(UUID().uuidString)")
    try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
    return folder
  }

  @Test("a pipe is refused instead of waited for, and let go of")
  func pipe() throws {
    let folder = try folder()
    defer { try? FileManager.default.removeItem(at: folder) }
    let path = folder.appendingPathComponent("pipe").path
    #expect(unsafe mkfifo(path, 0o600) == 0)
    let read = #expect(throws: TensorError.self) { try RegularFile.bytes(path: path) }
    #expect(read?.message == "'\(path)' is not a regular file")
    let mapped = #expect(throws: TensorError.self) { try MappedFile(path: path) }
    #expect(mapped?.message == "'\(path)' is not a regular file")
    // Without a reader a pipe cannot be opened for writing at once: none is left open.
    #expect(unsafe open(path, O_WRONLY | O_NONBLOCK) == -1 && errno == ENXIO)
  }

  @Test("a device, a folder and a loop of links are refused by name")
  func others() throws {
    let folder = try folder()
    defer { try? FileManager.default.removeItem(at: folder) }
    let (one, two) = (folder.path + "/one", folder.path + "/two")
    try FileManager.default.createSymbolicLink(atPath: one, withDestinationPath: two)
    try FileManager.default.createSymbolicLink(atPath: two, withDestinationPath: one)
    for (path, reason) in [
      ("/dev/zero", "not a regular file"), (folder.path, "not a regular file"),
      (one, "cannot open"), (folder.path + "/none", "cannot open"),
    ] {
      let error = #expect(throws: TensorError.self) { try RegularFile.bytes(path: path) }
      #expect(error?.message.contains(reason) == true && error?.message.contains(path) == true)
    }
  }

  @Test("a file beyond the limit is refused before any of it is read")
  func tooLarge() throws {
    let folder = try folder()
    defer { try? FileManager.default.removeItem(at: folder) }
    let url = folder.appendingPathComponent("large")
    try Data([1, 2, 3]).write(to: url)
    #expect(try RegularFile.bytes(path: url.path, limit: 3) == [1, 2, 3])
    // A terabyte of nothing: reading it would take hours.
    try FileHandle(forWritingTo: url).truncate(atOffset: 1 << 40)
    let error = #expect(throws: TensorError.self) {
      try RegularFile.bytes(path: url.path, limit: 3)
    }
    #expect(error?.code == .tooLarge, "\(error?.message ?? "")")
  }
}
