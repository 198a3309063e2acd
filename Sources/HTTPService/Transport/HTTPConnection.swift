import CMicroHTTPD
import Serving

/// A connection as libmicrohttpd's thread knows it, from its start to its end.
final class HTTPConnection {
  let id: ConnectionWatch.ID
  let peer: String
  /// The target of the request under way, as it came.
  var target: [UInt8] = []

  init(id: ConnectionWatch.ID, peer: String) {
    self.id = id
    self.peer = peer
  }
}

/// A request as libmicrohttpd's thread gathers it, from its head to its end.
final class IncomingRequest {
  let connection: HTTPConnection
  var request: HTTPRequest
  /// Bytes of the body that have come.
  var received = 0
  /// The room that they take, taken in steps, as they may come byte by byte.
  var room: MemoryReservation?
  /// Whether they found none, or were too many, and are thrown away.
  var isThrownAway = false
  var answer: Answer?

  init(_ connection: HTTPConnection, _ request: HTTPRequest) {
    self.connection = connection
    self.request = request
  }
}

extension HTTPRequest {
  /// Reads the head of the request on an MHD connection; nil where it is not one: bytes that are not UTF-8, a broken
  /// escape, or a length that is not clear.
  init?(
    head mhd: OpaquePointer, method: UnsafePointer<CChar>, on connection: HTTPConnection
  ) {
    guard let target = RequestTarget(connection.target),
      let method = unsafe String(validatingCString: method),
      let headers = unsafe Self.headers(of: mhd)
    else { return nil }
    self.init(
      method: method, path: target.path, query: target.query, headers: headers,
      peer: connection.peer)
    let lengths = Set(values("content-length"))
    guard lengths.isEmpty || (lengths.count == 1 && contentLength != nil && !isChunked) else {
      return nil
    }
  }

  /// The length of the body that was announced.
  var contentLength: UInt64? { header("content-length").flatMap { UInt64($0) } }

  /// Whether the body comes in chunks, its length unknown.
  var isChunked: Bool { header("transfer-encoding") != nil }

  private func values(_ name: String) -> [String] {
    headers.filter { $0.name.lowercased() == name }.map(\.value)
  }

  private static func headers(of mhd: OpaquePointer) -> [(name: String, value: String)]? {
    var found = HeaderFields()
    unsafe withUnsafeMutablePointer(to: &found) { found in
      _ = unsafe MHD_get_connection_values_n(
        mhd, .HEADER_KIND,
        { context, _, name, nameCount, value, valueCount in
          guard let fields = unsafe context?.assumingMemoryBound(to: HeaderFields.self) else {
            return .NO
          }
          let name = unsafe UnsafeRawBufferPointer(start: name, count: name == nil ? 0 : nameCount)
          let value = unsafe UnsafeRawBufferPointer(
            start: value, count: value == nil ? 0 : valueCount)
          unsafe fields.pointee.append(name, value)
          return .YES
        }, found)
    }
    return found.areValid ? found.fields : nil
  }
}

private struct HeaderFields {
  var fields: [(name: String, value: String)] = []
  var areValid = true

  mutating func append(_ name: UnsafeRawBufferPointer, _ value: UnsafeRawBufferPointer) {
    guard let name = unsafe String(validating: name, as: UTF8.self),
      let value = unsafe String(validating: value, as: UTF8.self)
    else {
      areValid = false
      return
    }
    fields.append((name, value))
  }
}
