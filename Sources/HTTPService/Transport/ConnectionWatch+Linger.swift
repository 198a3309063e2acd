import CMicroHTTPD
import Glibc
import Synchronization

/// Connections that were answered before their body was read.
///
/// A socket that is closed with unread bytes resets the connection, and the client loses the answer that it has not
/// read yet. So what still comes is read and thrown away for a moment, on a duplicate of the socket.
extension ConnectionWatch {
  private static var seconds: Double { 2 }

  /// Lets the connection linger once libmicrohttpd closes it.
  func lingerLater(_ id: ID) {
    state.withLock { $0.entries[id]?.linger = .later }
  }

  func linger(_ entry: Entry, _ id: ID, _ state: inout State) {
    let socket = fcntl(entry.socket, F_DUPFD_CLOEXEC, 0)
    guard socket >= 0 else { return }
    shutdown(socket, Int32(SHUT_WR))
    state.entries[id] = Entry(socket: socket, deadline: .max, linger: .now)
    guard !state.stopped, control(EPOLL_CTL_ADD, socket, EPOLLIN.rawValue, id) else {
      return forget(id, &state)
    }
    schedule(&state, id, Self.seconds)
  }

  /// Throws away what has come; forgets the socket at its end.
  func drain(_ id: ID, _ state: inout State) {
    guard let socket = state.entries[id]?.socket else { return }
    let count = unsafe withUnsafeTemporaryAllocation(byteCount: 64 << 10, alignment: 1) {
      unsafe recv(socket, $0.baseAddress, $0.count, Int32(MSG_DONTWAIT))
    }
    if count == 0 || (count < 0 && errno != EAGAIN && errno != EINTR) { forget(id, &state) }
  }

  /// Closes a lingering socket.
  func forget(_ id: ID, _ state: inout State) {
    guard let entry = state.entries.removeValue(forKey: id) else { return }
    control(EPOLL_CTL_DEL, entry.socket, 0, id)
    close(entry.socket)
  }
}
