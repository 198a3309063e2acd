import CMicroHTTPD
import Glibc
import Synchronization

/// What libmicrohttpd's thread and the writers tell of the connections.
extension ConnectionWatch {
  /// Begins to watch a connection, which must send a head within `seconds`.
  func opened(_ socket: Int32, within seconds: Double) -> ID {
    state.withLock { state in
      let id = state.nextID
      state.nextID += 1
      state.entries[id] = Entry(socket: socket, deadline: .max)
      // Once is enough: a client that has left does not come back.
      let events = EPOLLRDHUP.rawValue | EPOLLONESHOT.rawValue
      control(EPOLL_CTL_ADD, socket, events, id)
      schedule(&state, id, seconds)
      return id
    }
  }

  /// Ends the watch, before libmicrohttpd closes the socket.
  func closed(_ id: ID) {
    state.withLock { state in
      guard let entry = state.entries.removeValue(forKey: id) else { return }
      control(EPOLL_CTL_DEL, entry.socket, 0, id)
      if entry.linger == .later { linger(entry, id, &state) }
      listenAgain(&state)
    }
  }

  /// Cuts the connection off unless this is called again within `seconds`; nil: nothing is due.
  func expect(_ id: ID, within seconds: Double?) {
    state.withLock { schedule(&$0, id, seconds) }
  }

  /// `answer` is being made now; false where the client has left or the server has stopped.
  func begin(_ answer: Answer, on id: ID) -> Bool {
    state.withLock { state in
      guard !state.stopped, state.entries[id]?.left == false else { return false }
      state.entries[id]?.answer = answer
      schedule(&state, id, nil)
      return true
    }
  }

  /// The request is over; the next head must come within `seconds`.
  func end(_ id: ID, nextWithin seconds: Double) {
    state.withLock { state in
      state.entries[id]?.answer = nil
      schedule(&state, id, seconds)
    }
  }

  /// Shuts the connection's socket down, so that libmicrohttpd gives it up.
  func cut(_ id: ID) {
    state.withLock { state in
      if let entry = state.entries[id] { shutdown(entry.socket, Int32(SHUT_RDWR)) }
    }
  }

  /// Something happened on a socket: to all but lingering ones, only that the client has left.
  func noticed(_ id: ID) {
    let isLingering = state.withLock { state in
      guard state.entries[id]?.linger == .now else { return false }
      drain(id, &state)
      return true
    }
    if !isLingering { left(id) }
  }

  /// The client has left. Where nothing is being answered, libmicrohttpd sees it by itself.
  private func left(_ id: ID) {
    let answer = state.withLock { state in
      state.entries[id]?.left = true
      return state.entries[id]?.answer
    }
    if answer?.clientClosed() == true { cut(id) }
  }

  /// Cuts off those whose deadline has come, and plans the next turn.
  func expire() {
    let late = state.withLock { state in
      let now = Self.now()
      var late: [Answer] = []
      state.wake = .max
      for (id, entry) in state.entries {
        if entry.deadline <= now && entry.linger == .now {
          forget(id, &state)
        } else if entry.deadline <= now {
          shutdown(entry.socket, Int32(SHUT_RDWR))
          state.entries[id]?.deadline = .max
          if let answer = entry.answer { late.append(answer) }
        } else {
          state.wake = min(state.wake, entry.deadline)
        }
      }
      listenAgain(&state)
      // One turn serves the deadlines of 50 milliseconds.
      if state.wake != .max { state.wake = max(state.wake, now + 50_000_000) }
      return late
    }
    for answer in late { answer.clientLeft() }
  }

  func schedule(_ state: inout State, _ id: ID, _ seconds: Double?) {
    guard let seconds else {
      state.entries[id]?.deadline = .max
      return
    }
    let deadline = Self.now() + UInt64(seconds * 1e9)
    state.entries[id]?.deadline = deadline
    if deadline < state.wake {
      state.wake = deadline
      ring()
    }
  }

  func listenAgain(_ state: inout State) {
    guard !state.isListening, let listener = state.listener?.descriptor else { return }
    state.isListening = true
    control(EPOLL_CTL_MOD, listener, EPOLLIN.rawValue, Self.door)
  }
}
