import CNettle

/// A SHA-256 digest: the identity of tensors, adapters, files and datasets.
public struct Digest: Hashable, Sendable, CustomStringConvertible {
  /// 64 lowercase hexadecimal digits.
  public let hex: String

  /// The digest written as `hex`, or nil where that is not 64 lowercase hexadecimal digits.
  public init?(hex: String) {
    guard hex.utf8.count == 64,
      hex.utf8.allSatisfy({ (48...57).contains($0) || (97...102).contains($0) })
    else { return nil }
    self.hex = hex
  }

  init(bytes: [UInt8]) {
    let digits = Array("0123456789abcdef".utf8)
    hex = String(
      decoding: bytes.flatMap { [digits[Int($0 >> 4)], digits[Int($0 & 15)]] }, as: UTF8.self)
  }

  /// The digest of `bytes`.
  public static func of(_ bytes: some Sequence<UInt8>) -> Digest {
    var hasher = SHA256()
    hasher.update(Array(bytes))
    return hasher.finish()
  }

  /// The digest of `text`'s UTF-8.
  public static func of(_ text: String) -> Digest { of(Array(text.utf8)) }

  /// The first 12 digits, for people.
  public var short: String { String(hex.prefix(12)) }
  /// The same as `message`.
  public var description: String { hex }
}
