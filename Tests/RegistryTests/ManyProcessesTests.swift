import Digests
import Foundation
import Registry
import Synchronization
import Testing

@Suite("Two writing processes and many readers") struct ManyProcessesTests {
  @Test("each waits for the other, nobody is refused, and every acknowledged write is there")
  func processes() throws {
    let scratch = try Scratch()
    let registry = try Registry.withBase(scratch)
    try registry.publish(draft("shared"))
    let writers = try (0..<2).map { _ in try Clerk(scratch.path, "publish", "shared", "60", "20000")
    }
    let mover = try Clerk(scratch.path, "move", "shared", "60")
    let readers = try (0..<3).map { _ in try Clerk(scratch.path, "read", "shared", "60") }
    let errors = Mutex<[String]>([])
    let thread = Thread {
      do {
        for _ in 0..<60 { _ = try registry.weights(of: registry.version("shared:latest")) }
      } catch { errors.withLock { $0.append("\(error)") } }
    }
    thread.start()
    var published: [String: String] = [:]
    for writer in writers {
      for line in expectDone(writer, lines: 60, "a writer") { published[line[1]] = line[2] }
    }
    _ = expectDone(mover, lines: 60, "the mover")
    for reader in readers { _ = expectDone(reader, lines: 60, "a reader") }
    while !thread.isFinished { usleep(1_000) }
    #expect(errors.withLock { $0 } == [])
    #expect(published.count == 120)
    for (reference, digest) in published {
      #expect(try registry.version(reference).weights.hex == digest)
    }
    #expect(try registry.versions(of: "shared").count == 121)
    #expect(try registry.verify().isSound)
  }
}
