import CMicroHTTPD
import Glibc

/// A TCP socket that listens; closed when it goes.
struct ListeningSocket: ~Copyable {
  let descriptor: Int32
  /// The port, also where 0 was asked for.
  let port: Int

  init(address: String, port: Int) throws(HTTPServerError) {
    var hints = unsafe addrinfo()
    unsafe hints.ai_flags = AI_PASSIVE
    unsafe hints.ai_socktype = Int32(SOCK_STREAM.rawValue)
    var found: UnsafeMutablePointer<addrinfo>?
    let failure = unsafe getaddrinfo(address, String(port), &hints, &found)
    guard failure == 0, let first = unsafe found else {
      throw HTTPServerError(
        .badAddress,
        "'\(address)' is no address (\(unsafe String(cString: gai_strerror(failure)))): "
          + "give one of this machine's, such as 127.0.0.1, 0.0.0.0 or ::1")
    }
    defer { unsafe freeaddrinfo(found) }
    let descriptor = unsafe socket(
      first.pointee.ai_family,
      Int32(SOCK_STREAM.rawValue | SOCK_NONBLOCK.rawValue | SOCK_CLOEXEC.rawValue), 0)
    guard descriptor >= 0 else { throw Self.failure(errno, address, port) }
    var yes: Int32 = 1
    var no: Int32 = 0
    let size = socklen_t(MemoryLayout<Int32>.size)
    // A restarted server need not wait for its predecessor's last packets; `::` takes IPv4 as well.
    unsafe setsockopt(descriptor, SOL_SOCKET, SO_REUSEADDR, &yes, size)
    if unsafe first.pointee.ai_family == AF_INET6 {
      unsafe setsockopt(descriptor, Int32(IPPROTO_IPV6), IPV6_V6ONLY, &no, size)
    }
    guard unsafe bind(descriptor, first.pointee.ai_addr, first.pointee.ai_addrlen) == 0,
      listen(descriptor, SOMAXCONN) == 0
    else {
      let code = errno
      close(descriptor)
      throw Self.failure(code, address, port)
    }
    self.descriptor = descriptor
    self.port = Self.port(of: descriptor)
  }

  deinit { close(descriptor) }

  private static func port(of descriptor: Int32) -> Int {
    var storage = sockaddr_storage()
    var size = socklen_t(MemoryLayout<sockaddr_storage>.size)
    return unsafe withUnsafeMutablePointer(to: &storage) { pointer in
      unsafe pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
        _ = unsafe getsockname(descriptor, $0, &size)
      }
      // The port stands in the same place in both families.
      return unsafe pointer.withMemoryRebound(to: sockaddr_in.self, capacity: 1) {
        unsafe Int(UInt16(bigEndian: $0.pointee.sin_port))
      }
    }
  }

  private static func failure(_ code: Int32, _ address: String, _ port: Int) -> HTTPServerError {
    switch code {
    case EADDRINUSE:
      HTTPServerError(
        .addressInUse,
        "another process listens on \(address) port \(port): stop it, or choose another port")
    case EACCES:
      HTTPServerError(
        .notPermitted, "may not listen on \(address) port \(port): choose a port above 1023")
    case EADDRNOTAVAIL:
      HTTPServerError(
        .badAddress,
        "\(address) is not an address of this machine: give one of its own, or 0.0.0.0 for all")
    default:
      HTTPServerError(
        .system,
        "cannot listen on \(address) port \(port): \(unsafe String(cString: strerror(code)))"
      )
    }
  }
}

/// `address` as text, without its port; one of IPv4 as such, however the socket sees it.
func text(of address: UnsafePointer<sockaddr>?) -> String {
  guard let address = unsafe address else { return "" }
  let length =
    unsafe address.pointee.sa_family == sa_family_t(AF_INET6)
    ? MemoryLayout<sockaddr_in6>.size : MemoryLayout<sockaddr_in>.size
  var name = [CChar](repeating: 0, count: Int(NI_MAXHOST))
  guard
    unsafe getnameinfo(
      address, socklen_t(length), &name, socklen_t(name.count), nil, 0, NI_NUMERICHOST) == 0
  else { return "" }
  let text = String(
    decoding: name.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self)
  let mapped = "::ffff:"
  return text.hasPrefix(mapped) && text.contains(".") ? String(text.dropFirst(mapped.count)) : text
}
