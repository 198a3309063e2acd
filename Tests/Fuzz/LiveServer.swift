import Foundation
import Glibc
import HTTPService
import Lorikeet
import Toys

/// A server at work in this process, and clients that send it anything.
final class LiveServer {
  private let folder: ScratchFolder
  private let toy: ToyService
  private var cases = 0

  /// What completes a request that lost its end; sound requests either way.
  private static let rest = Array(
    String(repeating: "GET /health HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n", count: 4).utf8
  )

  init() throws {
    folder = try ScratchFolder()
    toy = try ToyService(in: URL(fileURLWithPath: folder.path(""))) { options, httpOptions in
      // Damage may ask for a hundred long answers.
      options.patience = 0.5
      options.memoryBytes = 8 << 20
      httpOptions.http.maximumBodyBytes = 64 << 10
      httpOptions.http.handlerThreads = 2
    }
  }

  /// Sends `bytes`, and sound requests behind them; the status of the first answer, or 499 where none came.
  /// - Throws: `Complaint` where the server neither answers nor closes.
  func send(_ bytes: [UInt8]) throws -> Int {
    let socket = try connected()
    defer { close(socket) }
    var rest = (bytes + LiveServer.rest)[...]
    while !rest.isEmpty {
      let count = unsafe rest.withUnsafeBytes {
        unsafe Glibc.send(socket, $0.baseAddress, $0.count, Int32(MSG_NOSIGNAL))
      }
      if count < 0, errno == EINTR { continue }
      if count <= 0 { break }
      rest = rest.dropFirst(count)
    }
    let answer = try answer(on: socket)
    let words = String(decoding: answer.prefix(16), as: UTF8.self).split(separator: " ")
    return words.count > 1 ? Int(words[1]) ?? 499 : 499
  }

  /// Now and then, that a sound request is answered.
  /// - Throws: `Complaint` where it is not.
  func check() throws {
    cases += 1
    guard cases % 8 == 0 else { return }
    let status = try send([])
    try require(status == 200, "a sound request is answered by \(status)")
  }

  private func connected() throws -> Int32 {
    let socket = Glibc.socket(AF_INET, Int32(SOCK_STREAM.rawValue | SOCK_CLOEXEC.rawValue), 0)
    var limit = timeval(tv_sec: 20, tv_usec: 0)
    let size = socklen_t(MemoryLayout<timeval>.size)
    unsafe setsockopt(socket, SOL_SOCKET, SO_RCVTIMEO, &limit, size)
    unsafe setsockopt(socket, SOL_SOCKET, SO_SNDTIMEO, &limit, size)
    var address = sockaddr_in()
    address.sin_family = sa_family_t(AF_INET)
    address.sin_port = in_port_t(UInt16(toy.http.port)).bigEndian
    address.sin_addr.s_addr = UInt32(0x7f00_0001).bigEndian
    let result = unsafe withUnsafeMutablePointer(to: &address) { pointer in
      unsafe pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
        unsafe connect(socket, $0, socklen_t(MemoryLayout<sockaddr_in>.size))
      }
    }
    try require(result == 0, "the server takes no connection")
    return socket
  }

  /// All that comes until the server closes; it is told that no more follows once it has been quiet for a moment.
  private func answer(on socket: Int32) throws -> [UInt8] {
    var answer: [UInt8] = []
    var buffer = [UInt8](repeating: 0, count: 16 << 10)
    var isOpen = true
    while true {
      var event = pollfd(fd: socket, events: Int16(POLLIN), revents: 0)
      if isOpen, unsafe poll(&event, 1, answer.isEmpty ? 700 : 50) == 0 {
        shutdown(socket, Int32(SHUT_WR))
        isOpen = false
      }
      let count = unsafe recv(socket, &buffer, buffer.count, 0)
      if count < 0, errno == EINTR { continue }
      if count == 0 || (count < 0 && errno == ECONNRESET) { return answer }
      try require(count > 0, "the server neither answers nor closes for 20 seconds")
      answer += buffer.prefix(count)
      try require(answer.count < 8 << 20, "an answer without an end")
    }
  }
}
