/// A request's target, decoded: its path and its query.
package struct RequestTarget {
  package var path: String
  package var query: [(name: String, value: String)] = []

  /// Decodes `/path?name=value&...`, also behind `http://host`, as requests to proxies have it; nil where it is neither, an
  /// escape is broken, or what comes out is not UTF-8 or holds a zero byte (RFC 3986, section 2.1; RFC 9112, section 3.2; `+` in
  /// a query is a space, as in forms).
  package init?(_ target: some Collection<UInt8>) {
    let bytes = Self.withoutHost(Array(target))
    guard bytes.first == UInt8(ascii: "/") else { return nil }
    let parts = bytes.split(
      separator: UInt8(ascii: "?"), maxSplits: 1, omittingEmptySubsequences: false)
    guard let path = Self.decode(parts[0], plusIsSpace: false) else { return nil }
    self.path = path
    guard parts.count == 2 else { return }
    for field in parts[1].split(separator: UInt8(ascii: "&")) {
      let sides = field.split(
        separator: UInt8(ascii: "="), maxSplits: 1, omittingEmptySubsequences: false)
      guard let name = Self.decode(sides[0], plusIsSpace: true),
        let value = sides.count == 2 ? Self.decode(sides[1], plusIsSpace: true) : ""
      else { return nil }
      query.append((name, value))
    }
  }

  private static func withoutHost(_ target: [UInt8]) -> ArraySlice<UInt8> {
    for scheme in ["http://", "https://"] where target.starts(with: Array(scheme.utf8)) {
      let rest = target.dropFirst(scheme.utf8.count)
      return rest.firstIndex(of: UInt8(ascii: "/")).map { rest[$0...] } ?? [UInt8(ascii: "/")]
    }
    return target[...]
  }

  private static func decode(_ bytes: some Collection<UInt8>, plusIsSpace: Bool) -> String? {
    var out: [UInt8] = []
    var iterator = bytes.makeIterator()
    while let byte = iterator.next() {
      switch byte {
      case UInt8(ascii: "%"):
        guard let high = iterator.next().flatMap(nibble), let low = iterator.next().flatMap(nibble)
        else { return nil }
        out.append(high << 4 | low)
      case UInt8(ascii: "+") where plusIsSpace: out.append(UInt8(ascii: " "))
      default: out.append(byte)
      }
    }
    return out.contains(0) ? nil : String(validating: out, as: UTF8.self)
  }

  private static func nibble(_ digit: UInt8) -> UInt8? {
    switch digit {
    case UInt8(ascii: "0")...UInt8(ascii: "9"): digit - UInt8(ascii: "0")
    case UInt8(ascii: "a")...UInt8(ascii: "f"): digit - UInt8(ascii: "a") + 10
    case UInt8(ascii: "A")...UInt8(ascii: "F"): digit - UInt8(ascii: "A") + 10
    default: nil
    }
  }
}
