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
  enum Read: Equatable {
    case bytes(Int)
    case wait
    case end(Ending)
  }

  /// Suspends the connection until there is something to do for it.
  func suspend(_ connection: OpaquePointer) {
    state.withLock { state in
      unsafe state.connection = connection
      suspend(&state)
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
  func read(into buffer: UnsafeMutableRawBufferPointer) -> Read {
    state.withLock { state in
      if state.hasLeft { return .end(.aborted) }
      let count = unsafe state.body.move(to: buffer)
      if count > 0 || state.ending != nil {
        watch.expect(id, within: stallSeconds)
        return count > 0 ? .bytes(count) : .end(state.ending ?? .aborted)
      }
      watch.expect(id, within: nil)
      suspend(&state)
      return .wait
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
      return (state.leave(), isComplete || state.ending == .aborted)
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
