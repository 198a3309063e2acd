import Synchronization

/// The answer to one request, on its way from the handler's threads to libmicrohttpd's.
///
/// libmicrohttpd's connection is suspended while there is nothing to do for it. Everything is decided under one lock,
/// the suspension and the resumption with it: a connection is resumed only while it is suspended, by whoever first has
/// something for it, and never once the request is over. `onDisconnect` runs outside the lock.
@safe final class Answer: Sendable {
  /// What the client gets.
  enum Reply: Sendable {
    case whole(HTTPResponse)
    case stream(status: Int, headers: [(name: String, value: String)])
  }

  /// How the body ends.
  enum Ending: Sendable { case finished, aborted }

  @safe struct State: @unchecked Sendable {
    // Safe: libmicrohttpd's own; used under the lock, and only until the request is over.
    var connection: OpaquePointer?
    var isSuspended = false
    var isOver = false
    var isAnswered = false
    var reply: Reply?
    /// Whether libmicrohttpd has the reply: its head, and a short body.
    var isTaken = false
    var body = UnsentBytes()
    var ending: Ending?
    var hasLeft = false
    var onDisconnect: (@Sendable () -> Void)?
  }

  let state = Mutex(State())
  let watch: ConnectionWatch
  let id: ConnectionWatch.ID
  let stallSeconds: Double
  private let maximumUnsent: Int

  let isHead: Bool

  init(
    to request: HTTPRequest, watch: ConnectionWatch, id: ConnectionWatch.ID,
    options: HTTPServerOptions
  ) {
    isHead = request.method == "HEAD"
    self.watch = watch
    self.id = id
    stallSeconds = options.stallSeconds
    maximumUnsent = options.maximumUnsentBytes
  }

  // MARK: - The handler's side, any thread

  /// Answers with `reply`; false where an answer was given before.
  func give(_ reply: Reply) -> Bool {
    state.withLock { state in
      guard !state.isAnswered else { return false }
      state.isAnswered = true
      if !state.hasLeft && !state.isOver {
        state.reply = reply
        resume(&state)
      }
      return true
    }
  }

  /// Adds to a stream.
  func write(_ bytes: [UInt8]) {
    let isTooSlow = state.withLock { state in
      guard !bytes.isEmpty, !state.hasLeft, !state.isOver, state.ending == nil else { return false }
      guard state.body.count <= maximumUnsent else { return true }
      state.body.append(bytes)
      resume(&state)
      return false
    }
    if isTooSlow {
      watch.cut(id)
      clientLeft()
    }
  }

  /// Ends a stream after what was written; only the first end counts.
  func end(_ ending: Ending) {
    state.withLock { state in
      guard !state.hasLeft, state.ending == nil else { return }
      state.ending = ending
      resume(&state)
    }
  }

  /// Calls `action` once the client has left; now, where it has.
  func onDisconnect(_ action: @escaping @Sendable () -> Void) {
    let (hasLeft, former) = state.withLock { state in
      let former = state.onDisconnect
      if !state.hasLeft && !state.isOver { state.onDisconnect = action }
      return (state.hasLeft, former)
    }
    // Freed outside the lock: it may hold a stream, which ends as it goes.
    withExtendedLifetime(former) {}
    if hasLeft { action() }
  }

  /// The client has closed its side. It may well do so once it has the whole answer: when libmicrohttpd holds all of
  /// it, `over` tells what became of it. Whether the client has left.
  func clientClosed() -> Bool {
    let isHandedOver = state.withLock { state in
      state.isTaken && (isHead || (state.ending != nil && state.body.count == 0))
    }
    if !isHandedOver { clientLeft() }
    return !isHandedOver
  }

  /// The client has left, or is given up: nothing more is sent, and libmicrohttpd closes the connection.
  func clientLeft() {
    let action = state.withLock { state in
      let action = state.isOver ? nil : state.leave()
      resume(&state)
      return action
    }
    action?()
  }
}
