import CMicroHTTPD
import Serving

/// What libmicrohttpd's thread tells of connections and requests.
extension HTTPDaemon {
  func opened(_ socket: Int32, peer: String) -> HTTPConnection {
    HTTPConnection(id: watch.opened(socket, within: options.headerSeconds), peer: peer)
  }

  func closed(_ connection: HTTPConnection) { watch.closed(connection.id) }

  /// A head has come. A response queued here closes the connection, and no body is read.
  func head(
    of mhd: OpaquePointer, method: UnsafePointer<CChar>, on connection: HTTPConnection
  ) -> (IncomingRequest?, MHD_Result) {
    watch.expect(connection.id, within: options.bodySeconds)
    guard let request = unsafe HTTPRequest(head: mhd, method: method, on: connection) else {
      return (nil, unsafe refuse(400, "the request's target or a header is malformed", on: mhd))
    }
    if let length = request.contentLength, length > UInt64(options.maximumBodyBytes) {
      watch.lingerLater(connection.id)
      return (nil, unsafe refuseBody(on: mhd))
    }
    if let length = request.contentLength, length > UInt64(max(0, bodies.capacity - bodies.used)) {
      watch.lingerLater(connection.id)
      return (nil, unsafe refuseForNow("holds as many request bodies as it may", on: mhd))
    }
    return (IncomingRequest(connection, request), .YES)
  }

  /// A part of the body has come. Nothing can be answered before its end; what is over the limit, or finds no room beside
  /// the others', is counted and thrown away, and a client that sends more than twice the limit is cut off.
  func body(_ bytes: UnsafeRawBufferPointer, of incoming: IncomingRequest) -> MHD_Result {
    incoming.received += bytes.count
    if !incoming.isThrownAway, incoming.received <= options.maximumBodyBytes,
      makeRoom(for: incoming)
    {
      unsafe incoming.request.body.append(contentsOf: bytes)
    } else {
      incoming.request.body = []
      incoming.room = nil
      incoming.isThrownAway = true
    }
    return incoming.received / 2 <= options.maximumBodyBytes ? .YES : .NO
  }

  /// Takes room for the bytes that have come: twice as much each time, up to 64 KiB at once, or just what is missing.
  private func makeRoom(for incoming: IncomingRequest) -> Bool {
    guard let room = incoming.room ?? bodies.reserve(0) else { return false }
    incoming.room = room
    let missing = incoming.received - room.bytes
    return missing <= 0 || room.grow(by: max(missing, min(room.bytes, 64 << 10)))
      || room.grow(by: missing)
  }

  /// The request is whole: hands it to the handler. Called again when the connection was resumed.
  func complete(_ incoming: IncomingRequest, on mhd: OpaquePointer) -> MHD_Result {
    if let answer = incoming.answer { return unsafe proceed(with: answer, on: mhd) }
    guard incoming.received <= options.maximumBodyBytes else { return unsafe refuseBody(on: mhd) }
    guard !incoming.isThrownAway else {
      return unsafe refuseForNow("holds as many request bodies as it may", on: mhd)
    }
    watch.expect(incoming.connection.id, within: options.stallSeconds)
    guard pool.hasRoom else { return unsafe refuseForNow("is busy", on: mhd) }
    let id = incoming.connection.id
    let answer = Answer(to: incoming.request, watch: watch, id: id, options: options)
    guard watch.begin(answer, on: id) else { return .NO }
    incoming.answer = answer
    // Before the handler can answer: a connection is resumed only after it was suspended.
    guard unsafe answer.suspend(mhd) else { return .NO }
    let exchange = HTTPExchange(request: incoming.request, room: incoming.room, answer: answer)
    incoming.request.body = []
    incoming.room = nil
    pool.submit { [handler] in handler(exchange) }
    return .YES
  }

  /// The request is over.
  func over(_ incoming: IncomingRequest?, on connection: HTTPConnection, isComplete: Bool) {
    watch.end(connection.id, nextWithin: options.headerSeconds)
    incoming?.answer?.over(isComplete: isComplete)
  }

  private func proceed(with answer: Answer, on mhd: OpaquePointer) -> MHD_Result {
    switch answer.next() {
    case .wait: return .YES
    case .close: return .NO
    case .reply(.whole(let response)): return unsafe response.queue(on: mhd, answer)
    case .reply(.stream(let status, let headers)):
      return unsafe queueBody(
        of: .max, from: answer, status: status, headers: headers, on: mhd)
    }
  }

  private func refuseBody(on mhd: OpaquePointer) -> MHD_Result {
    unsafe refuse(
      413, "the body is larger than \(options.maximumBodyBytes) bytes",
      headers: [("Connection", "close")], on: mhd)
  }

  private func refuseForNow(_ why: String, on mhd: OpaquePointer) -> MHD_Result {
    unsafe refuse(
      503, "the server \(why): try again", headers: [("Retry-After", "1")], on: mhd)
  }

  private func refuse(
    _ status: Int, _ message: String, headers: [(name: String, value: String)] = [],
    on mhd: OpaquePointer
  ) -> MHD_Result {
    refused(status)
    return unsafe HTTPResponse.failure(status, message, headers: headers).queue(on: mhd, nil)
  }
}
