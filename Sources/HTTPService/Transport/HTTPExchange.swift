import Serving
import Synchronization

/// One request and its single answer, usable from any thread.
///
/// An exchange that is dropped without an answer answers 500 by itself.
public final class HTTPExchange: Sendable {
  private struct Kept {
    var request: HTTPRequest
    /// What the request's body takes, given back with it.
    var room: MemoryReservation?
  }

  private let kept: Mutex<Kept>
  private let answer: Answer

  init(request: HTTPRequest, room: MemoryReservation?, answer: Answer) {
    kept = Mutex(Kept(request: request, room: room))
    self.answer = answer
  }

  deinit { _ = answer.give(.whole(.failure(500, "the server did not answer"))) }

  /// The request.
  public var request: HTTPRequest { kept.withLock { $0.request } }

  /// Forgets the request's body, once it has been read: an answer may take long, and others want the room.
  public func dropBody() {
    let room = kept.withLock { kept in
      kept.request.body = []
      defer { kept.room = nil }
      return kept.room
    }
    withExtendedLifetime(room) {}
  }

  /// Answers with a whole response, of status 200...599. An exchange is answered once, by this or by `stream`.
  ///
  /// Control characters in header values become spaces. `Content-Length`, `Transfer-Encoding` and `Date` are the
  /// transport's to write; `Connection: close` closes the connection after the answer.
  public func respond(_ response: HTTPResponse) {
    precondition((200...599).contains(response.status), "an answer's status is 200...599")
    let isFirst = answer.give(.whole(response))
    precondition(isFirst, "an exchange is answered once")
  }

  /// Answers with a body that is written bit by bit, sent by chunked transfer (to HTTP/1.0 clients: until the
  /// connection closes).
  public func stream(
    status: Int = 200, headers: [(name: String, value: String)] = []
  ) -> HTTPStream {
    precondition((200...599).contains(status), "an answer's status is 200...599")
    let isFirst = answer.give(.stream(status: status, headers: headers))
    precondition(isFirst, "an exchange is answered once")
    return HTTPStream(answer)
  }

  /// Calls `action` once, when the client goes away before the answer has been sent completely; at once if it is gone
  /// already. The last action given counts.
  ///
  /// It runs on one of the server's threads: it should be quick, and not stop the server.
  public func onDisconnect(_ action: @escaping @Sendable () -> Void) {
    answer.onDisconnect(action)
  }
}
