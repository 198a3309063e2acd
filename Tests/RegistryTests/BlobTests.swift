import Digests
import Foundation
import Registry
import Testing

/// A blob of nine parts, whose bytes are checked on another thread while something is made of them.
///
/// It is so large (over 32 MB) that malloc gives it back to the system when it is freed: who still reads it crashes.
@Suite("A large blob that is damaged")
struct BlobTests {
  private let scratch: Scratch
  private let digest: Digest

  /// Each part is of one byte, its number.
  init() throws {
    scratch = try Scratch()
    let bytes = (1...9).flatMap { [UInt8](repeating: $0, count: Registry.partSize) }
    digest = try Registry.withBase(scratch).publish(draft("a", weights: bytes)).version.weights
  }

  /// Changes the page of the file, in the middle of the fifth part: four bytes that say where the next one lies, and bytes.
  private func spoil(_ change: (inout [UInt8], _ page: Int) -> Void) throws {
    var file = try scratch.bytes
    let size = Int(file[16]) << 8 | Int(file[17])
    let pages = stride(from: 0, to: file.count, by: size).filter { start in
      file[start + 4..<start + size].allSatisfy { $0 == 5 }
    }
    try #require(pages.count > 100)
    change(&file, pages[pages.count / 2])
    try Data(file).write(to: URL(fileURLWithPath: scratch.path))
  }

  /// The error of both ways to the blob, and how often something was made of it.
  private func expectDamage(made times: Int, _ comment: Comment) throws {
    let registry = try scratch.open()
    #expect(failure { _ = try registry.blob(digest) }?.code == .damaged, comment)
    for _ in 0..<3 {
      var made = 0
      let error = failure {
        try registry.blob(digest) { blob in made += unsafe blob.bytes.isEmpty ? 0 : 1 }
      }
      #expect(error?.code == .damaged && made == times, comment)
      // What `make` complains about is not what is wrong.
      let other = failure {
        try registry.blob(digest) { _ in throw RegistryError(.badArgument, "no tensors") }
      }
      #expect(other?.code == .damaged, comment)
    }
    #expect(failure { _ = try registry.weights(of: registry.version("a")) }?.code == .damaged)
  }

  @Test("a part that is gone")
  func missing() throws {
    try scratch.open().write { database in
      try database.run("DELETE FROM blob_parts WHERE part = 4")
    }
    try expectDamage(made: 0, "a part is gone")
  }

  @Test("a part that cannot be read to its end, after another has been handed to the digest")
  func unreadable() throws {
    try spoil { file, page in
      for place in page..<page + 4 { file[place] = 0xFF }
    }
    try expectDamage(made: 0, "the file's pages lead nowhere")
  }

  @Test("other bytes in the middle")
  func changed() throws {
    try spoil { file, page in file[page + 1000] ^= 1 }
    try expectDamage(made: 1, "one bit")
  }
}
