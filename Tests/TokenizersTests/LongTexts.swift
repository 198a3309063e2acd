/// The texts of `corpus.py` that a rule makes.
enum LongTexts {
  static let names = [
    "a", "ab", "cjk", "digits", "letters", "marks", "neighbours", "newlines", "punctuation",
    "spaces",
    "sweep",
  ]

  /// A million characters each, mostly one word; or every code point there is.
  static func text(_ name: String) -> String {
    let million = 1_000_000
    switch name {
    case "a": return String(repeating: "a", count: million)
    case "ab": return String(repeating: "ab", count: million / 2)
    case "cjk": return text((0..<million).map(ideograph))
    case "digits": return String(repeating: "1234567890", count: million / 10)
    case "letters": return text((0..<million).map(letter))
    case "marks": return "a" + String(repeating: "\u{301}\u{327}", count: 5000)
    case "neighbours": return neighbours()
    case "newlines": return String(repeating: "\n", count: million)
    case "punctuation": return String(repeating: "!?", count: million / 2)
    case "spaces": return String(repeating: " ", count: million)
    default: return text(Array(0..<0x11_0000))
    }
  }

  private static func ideograph(_ index: Int) -> UInt32 { UInt32(0x4e00 + index * 7919 % 20_000) }

  private static func letter(_ index: Int) -> UInt32 {
    let offset: Int = (index * index + index / 3) % 26
    return UInt32(97 + offset)
  }

  private static func text(_ values: [UInt32]) -> String {
    var scalars = String.UnicodeScalarView()
    for value in values {
      if let scalar = Unicode.Scalar(value) { scalars.append(scalar) }
    }
    return String(scalars)
  }

  /// Code points beside a letter, a space, a digit, a mark and an apostrophe.
  private static func neighbours() -> String {
    var scalars = String.UnicodeScalarView()
    let last = stride(from: UInt32(0x2_0000), to: 0x11_0000, by: 257)
    for value in Array(0..<UInt32(0x2_0000)) + Array(last) {
      guard let point = Unicode.Scalar(value) else { continue }
      let around: [Unicode.Scalar] = [
        "x", point, " ", point, "1", point, "\u{301}", "'", point, "A",
      ]
      scalars.append(contentsOf: around)
    }
    return String(scalars)
  }
}
