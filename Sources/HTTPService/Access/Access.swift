import Foundation
import Lorikeet
import Registry
import Synchronization

/// The door: keys, what they open, and how much.
///
/// Without a key in the registry everybody may come in. Once there has been one, everybody needs one: keys are looked up for
/// each request, so that one that is revoked opens nothing from that moment on, and the last one leaves the door shut. It stays
/// shut, too, where another file without keys has taken the registry's place.
final class Access: Sendable {
  private struct Use {
    /// Requests that may come at once.
    var allowance: Double
    var seen: Double
    /// Tokens of the day.
    var tokens = 0
    var day = 0
  }

  private let service: Service
  private let uses = Mutex<[String: Use]>([:])
  /// Whether there has been a key since this process began.
  private let wasKeyed: Atomic<Bool>
  private let now: @Sendable () -> Double

  /// - Parameter now: Seconds since 1970.
  init(_ service: Service, now: @escaping @Sendable () -> Double = { Date().timeIntervalSince1970 })
  {
    self.service = service
    self.now = now
    wasKeyed = Atomic((try? service.read { try $0.hasKeys() }) ?? false)
  }

  /// The key that a request comes with; nil where the door is open.
  /// - Throws: `APIError` where it may not come in.
  func admit(_ request: HTTPRequest, for access: Route.Access) throws -> KeyRecord? {
    if access == .open { return nil }
    let keyed = try hasKeys()
    if keyed { wasKeyed.store(true, ordering: .relaxed) }
    guard keyed else {
      guard !wasKeyed.load(ordering: .relaxed) else {
        throw APIError(
          .server,
          "the registry's file was replaced by one without keys; put the old one back, or start the server again",
          status: 503, code: "registry_replaced")
      }
      try Self.checkOrigin(request)
      return nil
    }
    guard let secret = Self.secret(request) else {
      throw APIError(
        .authentication, "this server wants a key: send 'Authorization: Bearer KEY'",
        code: "invalid_api_key")
    }
    guard let key = try service.read({ try $0.authenticate(secret) }) else {
      throw APIError(
        .authentication, "the key is not known here, or was revoked", code: "invalid_api_key")
    }
    guard access != .admin || key.isAdmin else {
      throw APIError(
        .permission, "key '\(key.name)' may ask for answers, not change the registry",
        code: "admin_only")
    }
    try count(key)
    return key
  }

  /// Whoever has not shown a key is not told where the registry lies.
  private func hasKeys() throws -> Bool {
    do { return try service.read { try $0.hasKeys() } } catch let error as RegistryError
      where wasKeyed.load(ordering: .relaxed)
    {
      var refusal = APIError(error)
      refusal.message = "the registry cannot be read at the moment; ask again later"
      throw refusal
    }
  }

  /// Counts a request of `key`; refuses one too many.
  private func count(_ key: KeyRecord) throws(APIError) {
    let now = now()
    let day = Int(now / 86_400)
    let refusal = uses.withLock { uses -> (message: String, wait: Double)? in
      let most = key.ratePerMinute.map(Double.init) ?? .infinity
      var use = uses[key.id] ?? Use(allowance: most, seen: now)
      defer { uses[key.id] = use }
      if use.day != day { (use.day, use.tokens) = (day, 0) }
      if let limit = key.tokensPerDay, use.tokens >= limit {
        return (
          "key '\(key.name)' has used its \(limit) tokens of today", Double(day + 1) * 86_400 - now
        )
      }
      guard most.isFinite else { return nil }
      use.allowance = min(most, use.allowance + max(0, now - use.seen) * most / 60)
      use.seen = now
      guard use.allowance >= 1 else {
        return (
          "key '\(key.name)' may ask \(Int(most)) times a minute", (1 - use.allowance) * 60 / most
        )
      }
      use.allowance -= 1
      return nil
    }
    guard let refusal else { return }
    throw APIError(
      .rateLimit, refusal.message, code: "rate_limit_exceeded",
      retryAfter: max(1, Int(refusal.wait.rounded(.up))))
  }

  /// Counts tokens that `key` was given.
  func spend(_ tokens: Int, by key: KeyRecord?) {
    guard let key else { return }
    uses.withLock { $0[key.id]?.tokens += tokens }
  }

  private static func secret(_ request: HTTPRequest) -> String? {
    if let header = request.header("authorization") {
      let parts = header.split(separator: " ", maxSplits: 1)
      guard parts.count == 2, parts[0].lowercased() == "bearer" else { return nil }
      return String(parts[1]).trimmingCharacters(in: .whitespaces)
    }
    // Anthropic's and Azure's clients.
    return request.header("x-api-key") ?? request.header("api-key")
  }

  /// Where no key is needed a page of some other site, open in a browser on this machine, must not be the one who asks:
  /// neither by its own name nor by one that it has made to lead here.
  private static func checkOrigin(_ request: HTTPRequest) throws(APIError) {
    let host = request.header("host") ?? ""
    if let origin = request.header("origin"), origin != "http://\(host)",
      origin != "https://\(host)"
    {
      throw APIError(
        .permission,
        "a page of another site asks, and this server has no keys; add one with 'lorikeet key add'",
        code: "foreign_origin")
    }
    guard request.peer.hasPrefix("127.") || request.peer == "::1", !isAddress(host) else { return }
    throw APIError(
      .permission,
      "'\(abridged(host))' is not the name of this machine for itself; without keys ask by "
        + "127.0.0.1 or localhost, or add a key with 'lorikeet key add'",
      code: "foreign_host")
  }

  /// Whether `host`, with or without a port, is a number or `localhost`, which nobody else can make lead elsewhere.
  private static func isAddress(_ host: String) -> Bool {
    if host.isEmpty || host.hasPrefix("[") { return true }
    let name = host.split(separator: ":", omittingEmptySubsequences: false)[0].lowercased()
    return name == "localhost" || name.allSatisfy { $0.isNumber || $0 == "." }
  }
}
