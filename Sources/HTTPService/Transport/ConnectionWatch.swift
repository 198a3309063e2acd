import CMicroHTTPD
import Dispatch
import Foundation
import Glibc
import Synchronization

/// One thread that accepts connections, sees clients leave, and cuts off those that are too slow.
///
/// libmicrohttpd does not look at a suspended connection, nor does it bound the time of a head or a body. The thread
/// sleeps in `epoll_wait` until a client comes, a client leaves or the earliest deadline is due; an idle server is
/// never woken. A socket is watched from `opened` to `closed`, which libmicrohttpd calls before it closes the socket,
/// and is shut down only under the lock and while it is watched: so a number used again is never shut down.
final class ConnectionWatch: Sendable {
  typealias ID = UInt64

  struct Entry {
    let socket: Int32
    /// Nanoseconds of `now()`; `.max` where nothing is due.
    var deadline: UInt64
    var answer: Answer?
    var left = false
    /// What becomes of the socket once libmicrohttpd is done with it.
    var linger = Linger.no
  }

  enum Linger { case no, later, now }

  struct State: ~Copyable {
    var listener: ListeningSocket?
    var isListening = true
    var entries: [ID: Entry] = [:]
    var nextID: ID = ConnectionWatch.firstID
    /// When the thread wakes by itself.
    var wake = UInt64.max
    var stopped = false

    init(listener: consuming ListeningSocket) { self.listener = consume listener }
  }

  // What `epoll_wait` tells: these two, or a connection's number.
  static let bell: ID = 0
  static let door: ID = 1
  private static let firstID: ID = 2

  let state: Mutex<State>
  let poll: Int32
  private let alarm: Int32
  private let maximumConnections: Int
  private let ended = DispatchSemaphore(value: 0)

  /// Watches `listener` once it is started.
  init(listener: consuming ListeningSocket, maximumConnections: Int) throws(HTTPServerError) {
    poll = epoll_create1(Int32(EPOLL_CLOEXEC))
    alarm = eventfd(0, Int32(EFD_CLOEXEC | EFD_NONBLOCK))
    self.maximumConnections = maximumConnections
    let descriptor = listener.descriptor
    state = Mutex(State(listener: consume listener))
    guard poll >= 0, alarm >= 0, control(EPOLL_CTL_ADD, alarm, EPOLLIN.rawValue, Self.bell),
      control(EPOLL_CTL_ADD, descriptor, EPOLLIN.rawValue, Self.door)
    else {
      throw HTTPServerError(
        .system, "cannot watch sockets: \(unsafe String(cString: strerror(errno)))")
    }
  }

  deinit {
    close(alarm)
    close(poll)
  }

  /// Hands each connection that comes to `admit`, which owns the socket from there.
  func start(admit: @escaping @Sendable (Int32, UnsafePointer<sockaddr>, socklen_t) -> Void) {
    let thread = Thread { [self] in
      while unsafe turn(admit) {}
      ended.signal()
    }
    thread.name = "http-watch"
    thread.start()
  }

  /// Nanoseconds that do not go back.
  static func now() -> UInt64 { DispatchTime.now().uptimeNanoseconds }

  /// Adds, changes or removes a socket of the poll.
  @discardableResult
  func control(_ operation: Int32, _ socket: Int32, _ events: UInt32, _ id: ID) -> Bool {
    var event = unsafe epoll_event(events: events, data: epoll_data_t(u64: id))
    return unsafe epoll_ctl(poll, operation, socket, &event) == 0
  }

  /// Wakes the thread, to look at the state anew.
  func ring() {
    var one: UInt64 = 1
    _ = unsafe write(alarm, &one, 8)
  }

  /// Number of connections.
  var count: Int { state.withLock { $0.entries.count } }

  /// Number of requests whose answer has not been sent completely.
  var underWay: Int { state.withLock { $0.entries.values.count { $0.answer != nil } } }

  /// Closes the listening socket. Connections stay.
  func stopAccepting() {
    state.withLock { state in
      guard let descriptor = state.listener?.descriptor else { return }
      control(EPOLL_CTL_DEL, descriptor, 0, Self.door)
      state.listener = nil
    }
  }

  /// Closes the listening socket, ends the thread and tells the answers under way; no answer begins after it.
  func stop() -> [Answer] {
    stopAccepting()
    let answers = state.withLock { state in
      state.stopped = true
      for (id, entry) in state.entries where entry.linger == .now { forget(id, &state) }
      return state.entries.values.compactMap(\.answer)
    }
    ring()
    ended.wait()
    return answers
  }

  /// One sleep of the thread and what follows; false once the watch has stopped.
  private func turn(_ admit: (Int32, UnsafePointer<sockaddr>, socklen_t) -> Void) -> Bool {
    let wake = state.withLock { $0.wake }
    let now = Self.now()
    let milliseconds = wake == .max ? -1 : Int32(wake > now ? (wake - now) / 1_000_000 + 1 : 0)
    var events = unsafe [epoll_event](repeating: epoll_event(), count: 64)
    let count = unsafe epoll_wait(poll, &events, Int32(events.count), milliseconds)
    for index in 0..<Int(max(count, 0)) {
      switch unsafe events[index].data.u64 {
      case Self.bell:
        var rings: UInt64 = 0
        _ = unsafe read(alarm, &rings, 8)
      case Self.door: unsafe accept(admit)
      case let id: noticed(id)
      }
    }
    if Self.now() >= wake { expire() }
    return state.withLock { !$0.stopped }
  }

  private func accept(_ admit: (Int32, UnsafePointer<sockaddr>, socklen_t) -> Void) {
    for _ in 0..<64 {  // then look at the others; the door stays ready
      var peer = sockaddr_storage()
      var size = socklen_t(MemoryLayout<sockaddr_storage>.size)
      unsafe withUnsafeMutablePointer(to: &peer) { storage in
        unsafe storage.withMemoryRebound(to: sockaddr.self, capacity: 1) { address in
          let socket = unsafe accepted(address, &size)
          if socket >= 0 { unsafe admit(socket, address, size) } else { size = 0 }
        }
      }
      if size == 0 { return }
    }
  }

  /// A connection's socket, or -1 where none waits. Leaves them in the system's queue for a moment where this process
  /// has no socket left, or has as many connections as it may.
  private func accepted(_ address: UnsafeMutablePointer<sockaddr>, _ size: inout socklen_t) -> Int32
  {
    state.withLock { state in
      guard let listener = state.listener?.descriptor else { return -1 }
      let isFull = state.entries.count >= maximumConnections
      let socket = isFull ? -1 : unsafe Glibc.accept(listener, address, &size)
      if isFull || (socket < 0 && [EMFILE, ENFILE, ENOMEM, ENOBUFS].contains(errno)) {
        state.isListening = false
        control(EPOLL_CTL_MOD, listener, 0, Self.door)
        state.wake = min(state.wake, Self.now() + 100_000_000)
      }
      if socket >= 0 { _ = fcntl(socket, F_SETFD, FD_CLOEXEC) }
      return socket
    }
  }
}
