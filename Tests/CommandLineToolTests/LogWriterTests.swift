import CommandLineTool
import Foundation
import Glibc
import Testing

@Suite("A server's log") struct LogWriterTests {
  @Test("lines come in their order, the last too")
  func order() throws {
    let pipe = try Pipe()
    let log = LogWriter(pipe.inlet)
    let lines = (0..<200).map { "line \($0)" }
    for line in lines { log.write(line) }
    log.finish(within: 10)
    log.write("too late")
    #expect(pipe.readAll() == lines.joined(separator: "\n") + "\n")
  }

  @Test("nobody waits for a reader who does not read; what was dropped is told")
  func stalled() throws {
    let pipe = try Pipe()
    let log = LogWriter(pipe.inlet)
    let line = String(repeating: "x", count: 200)
    for _ in 0..<30_000 { log.write(line) }
    let text = pipe.drain { log.finish(within: 30) }
    let written = text.split(separator: "\n").filter { $0.hasPrefix("x") }
    #expect(written.count < 30_000 && written.allSatisfy { $0.count == 200 })
    #expect(text.contains("\(30_000 - written.count) lines more were not written"))
  }

  @Test("where nothing can be written the server lives on")
  func full() throws {
    let full = unsafe open("/dev/full", O_WRONLY)
    defer { close(full) }
    let log = LogWriter(full)
    log.write("lost")
    log.finish(within: 10)
  }
}

/// A pipe that a test reads.
private final class Pipe {
  let outlet, inlet: Int32

  init() throws {
    var ends: [Int32] = [-1, -1]
    try #require(unsafe pipe(&ends) == 0)
    (outlet, inlet) = (ends[0], ends[1])
  }

  deinit { close(outlet) }

  /// Everything, once nobody writes any more.
  func readAll() -> String {
    close(inlet)
    return text()
  }

  /// Everything, read while `body` runs on another thread.
  func drain(_ body: @escaping @Sendable () -> Void) -> String {
    let inlet = inlet
    Thread.detachNewThread {
      body()
      close(inlet)
    }
    return text()
  }

  private func text() -> String {
    var bytes: [UInt8] = []
    var buffer = [UInt8](repeating: 0, count: 65_536)
    while true {
      let count = unsafe read(outlet, &buffer, buffer.count)
      guard count > 0 else { return String(decoding: bytes, as: UTF8.self) }
      bytes += buffer[..<count]
    }
  }
}
