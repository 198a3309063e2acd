import CMicroHTTPD
import Synchronization

/// libmicrohttpd's side of an answer. All but `resume` and `leave` are called on its thread only.
extension Answer {
  /// What libmicrohttpd shall do with a connection that was resumed.
  enum Step {
    case reply(Reply)
    case wait
    case close
  }

  /// What a body's reader has to say.
  enum Read {
    case bytes(Int)
    case wait
    case end
  }

  /// Suspends the connection until there is something to do for it; false, and it is not, where the client has left.
  func suspend(_ connection: OpaquePointer) -> Bool {
    state.withLock { state in
      guard !state.hasLeft else { return false }
      unsafe state.connection = connection
      suspend(&state)
      return true
    }
  }

  /// What to do next with the request.
  func next() -> Step {
    state.withLock { state in
      if state.hasLeft { return .close }
      guard let reply = state.reply else {
        suspend(&state)
        return .wait
      }
      state.reply = nil
      state.isTaken = true
      if case .whole(let response) = reply { state.fill(response.body) }
      watch.expect(id, within: stallSeconds)
      return .reply(reply)
    }
  }

  /// Moves bytes of the body to `buffer`; suspends the connection where there are none yet.
  ///
  /// To cut the connection, its socket is shut down and a byte given that cannot reach the client: libmicrohttpd fails
  /// to send it, and closes the connection. MHD_CONTENT_READER_END_WITH_ERROR, made for this, leaves the connection
  /// open in libmicrohttpd 0.9.75 until something else happens to it.
  func read(into buffer: UnsafeMutableRawBufferPointer) -> Read {
    state.withLock { state in
      let count = unsafe state.body.move(to: buffer)
      if count == 0 && state.ending == nil && !state.hasLeft {
        watch.expect(id, within: nil)
        suspend(&state)
        return .wait
      }
      watch.expect(id, within: stallSeconds)
      if count > 0 { return .bytes(count) }
      if state.ending == .finished && !state.hasLeft { return .end }
      watch.cut(id)
      unsafe buffer.storeBytes(of: 0, as: UInt8.self)
      return .bytes(1)
    }
  }

  /// The request is over: the answer was sent completely, or the connection is lost.
  func over(isComplete: Bool) {
    // The action leaves the lock even where it is not called: it may hold the last reference to a stream, which ends
    // as it goes.
    let (action, isOurs) = state.withLock { state in
      state.isOver = true
      unsafe state.connection = nil
      // An aborted stream is cut by us, not by the client.
      let isOurs = isComplete || state.ending == .aborted
      let left = state.hasLeft
      defer { state.hasLeft = left || !isOurs }
      return (state.leave(), isOurs)
    }
    if !isOurs { action?() }
  }

  /// Resumes a suspended connection; whoever calls has put something to do into `state`.
  func resume(_ state: inout State) {
    guard state.isSuspended, let connection = unsafe state.connection else { return }
    state.isSuspended = false
    watch.expect(id, within: stallSeconds)
    unsafe MHD_resume_connection(connection)
  }

  private func suspend(_ state: inout State) {
    guard let connection = unsafe state.connection else { return }
    state.isSuspended = true
    unsafe MHD_suspend_connection(connection)
  }
}

extension Answer.State {
  /// Lets a whole response's body be read as a stream's is, where it is long.
  fileprivate mutating func fill(_ bytes: [UInt8]) {
    if bytes.count > HTTPResponse.shortBytes { body.append(bytes) }
    ending = .finished
  }

  /// Drops what is unsent, and gives what is to be called where the client has not left before.
  mutating func leave() -> (@Sendable () -> Void)? {
    defer { onDisconnect = nil }
    let action = hasLeft ? nil : onDisconnect
    hasLeft = true
    reply = nil
    body = UnsentBytes()
    return action
  }
}
