import Foundation

/// The secret of a key: `lrk-`, the id (8 hexadecimal digits), `-`, and 32 random bytes in base64url (43 letters).
struct KeySecret {
  /// The part that finds the key.
  let id: String
  /// All of it: what a client sends.
  let text: String

  /// A secret that nobody can guess; the kernel's random numbers are behind `SystemRandomNumberGenerator`.
  static func random() -> KeySecret {
    var generator = SystemRandomNumberGenerator()
    func bytes(_ count: Int) -> [UInt8] {
      (0..<count).map { _ in UInt8.random(in: .min ... .max, using: &generator) }
    }
    let digits = Array("0123456789abcdef")
    let id = String(bytes(4).flatMap { [digits[Int($0 >> 4)], digits[Int($0 & 15)]] })
    let base64 = Data(bytes(32)).base64EncodedString()
    let random = base64.replacing("+", with: "-").replacing("/", with: "_").prefix { $0 != "=" }
    return KeySecret(id: id, text: "lrk-\(id)-\(random)")
  }

  /// The id in `text`, or nil where that is not written as a secret is.
  static func id(in text: String) -> String? {
    let bytes = Array(text.utf8)
    guard bytes.count == 56, bytes.starts(with: "lrk-".utf8), bytes[12] == UInt8(ascii: "-"),
      isID(bytes[4..<12])
    else { return nil }
    return String(decoding: bytes[4..<12], as: UTF8.self)
  }

  /// Whether `bytes` are eight lowercase hexadecimal digits.
  static func isID(_ bytes: some Collection<UInt8>) -> Bool {
    bytes.count == 8
      && bytes.allSatisfy { (48...57).contains($0) || (97...102).contains($0) }
  }
}
