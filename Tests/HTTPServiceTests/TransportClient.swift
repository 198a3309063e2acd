import Dispatch
import Glibc
import HTTPService
import Synchronization
import Testing

/// A client on a raw socket, which does what no proper client would. Reads wait at most 20 seconds.
final class TransportClient {
  struct Failure: Error, CustomStringConvertible { var description: String }

  struct Response {
    var status: Int
    var head: String
    var body: [UInt8]
    var text: String { String(decoding: body, as: UTF8.self) }
  }

  private let socket: Int32
  private var buffer: [UInt8] = []

  init(_ port: Int) throws {
    socket = Glibc.socket(AF_INET, Int32(SOCK_STREAM.rawValue | SOCK_CLOEXEC.rawValue), 0)
    var address = sockaddr_in()
    address.sin_family = sa_family_t(AF_INET)
    address.sin_port = in_port_t(UInt16(port)).bigEndian
    address.sin_addr.s_addr = UInt32(0x7f00_0001).bigEndian
    var limit = timeval(tv_sec: 20, tv_usec: 0)
    unsafe setsockopt(
      socket, SOL_SOCKET, SO_RCVTIMEO, &limit, socklen_t(MemoryLayout<timeval>.size))
    let failed = unsafe withUnsafeMutablePointer(to: &address) { pointer in
      unsafe pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
        unsafe connect(socket, $0, socklen_t(MemoryLayout<sockaddr_in>.size))
      }
    }
    guard failed == 0 else {
      Glibc.close(socket)
      throw Failure(description: "cannot connect to port \(port)")
    }
  }

  deinit { Glibc.close(socket) }

  func send(_ text: String) { _ = send(Array(text.utf8)) }

  /// Sends `bytes`; false where the server does not take them.
  @discardableResult func send(_ bytes: [UInt8]) -> Bool {
    var rest = bytes[...]
    while !rest.isEmpty {
      let count = unsafe rest.withUnsafeBytes {
        unsafe Glibc.send(socket, $0.baseAddress, $0.count, Int32(MSG_NOSIGNAL))
      }
      if count < 0, errno == EINTR { continue }
      guard count > 0 else { return false }
      rest = rest.dropFirst(count)
    }
    return true
  }

  func get(_ path: String) throws -> Response {
    send("GET \(path) HTTP/1.1\r\nHost: a\r\n\r\n")
    return try response()
  }

  /// The next response, whole.
  func response(to method: String = "GET") throws -> Response {
    let head = try until("\r\n\r\n")
    let status = Int(head.split(separator: " ")[1]) ?? 0
    let lower = head.lowercased()
    var body: [UInt8] = []
    if method == "HEAD" || status == 100 {
    } else if lower.contains("transfer-encoding: chunked") {
      while let chunk = try chunk() { body += chunk }
    } else if let length = lower.split(separator: "content-length: ").dropFirst().first {
      body = try take(Int(length.prefix { $0.isNumber }) ?? 0)
    }
    return Response(status: status, head: head, body: body)
  }

  /// The next chunk; nil at the last one.
  func chunk() throws -> [UInt8]? {
    let size = Int(try until("\r\n").dropLast(), radix: 16) ?? -1
    guard size >= 0 else { throw Failure(description: "no chunk's size") }
    let bytes = try take(size)
    guard try until("\r\n") == "\r\n" else { throw Failure(description: "no chunk's end") }
    return size == 0 ? nil : bytes
  }

  /// What comes until and with `mark`.
  func until(_ mark: String) throws -> String {
    let mark = Array(mark.utf8)
    var start = 0
    while true {
      while start + mark.count <= buffer.count {
        if buffer[start..<start + mark.count].elementsEqual(mark) {
          return String(decoding: try take(start + mark.count), as: UTF8.self)
        }
        start += 1
      }
      let count = receive()
      guard count > 0 else {
        let why = unsafe count < 0 ? String(cString: strerror(errno)) : "the end"
        throw Failure(description: "after \(buffer.count) bytes came: \(why)")
      }
    }
  }

  /// Everything until the end of the connection; nil where it does not end.
  func rest() -> [UInt8]? {
    while true {
      let count = receive()
      if count == 0 || (count < 0 && errno == ECONNRESET) { return buffer }
      if count < 0 { return nil }
    }
  }

  private func take(_ count: Int) throws -> [UInt8] {
    while buffer.count < count {
      guard receive() > 0 else { throw Failure(description: "the connection ended in a body") }
    }
    defer { buffer.removeFirst(count) }
    return Array(buffer[..<count])
  }

  private func receive() -> Int {
    var bytes = [UInt8](repeating: 0, count: 64 << 10)
    while true {
      let count = unsafe recv(socket, &bytes, bytes.count, 0)
      // With a limit to its waiting, a signal to the process ends it whatever the handler says (signal(7)).
      if count < 0, errno == EINTR { continue }
      let code = errno
      buffer += bytes.prefix(max(count, 0))
      errno = code
      return count
    }
  }
}

/// Something that happens once or more, awaited with a generous bound.
final class Happening: Sendable {
  private let semaphore = DispatchSemaphore(value: 0)
  func happen() { semaphore.signal() }
  func awaited() -> Bool { semaphore.wait(timeout: .now() + 20) == .success }
}

/// A box of values that threads fill.
final class Box<Value: Sendable>: Sendable {
  private let values = Mutex<[Value]>([])
  func put(_ value: Value) { values.withLock { $0.append(value) } }
  func empty() { values.withLock { $0.removeAll() } }
  var all: [Value] { values.withLock { $0 } }
}

/// Whether `holds` comes to hold in so many turns of 10 milliseconds, by default 20 seconds.
func eventually(for turns: Int = 2_000, _ holds: () throws -> Bool) rethrows -> Bool {
  for _ in 0..<turns {
    if try holds() { return true }
    usleep(10_000)
  }
  return try holds()
}
