/// One step that rewrites a text before it is split.
enum Normalizer: Sendable, Equatable {
  /// Unicode's canonical composition (NFC).
  case composed
  /// A text before every text that is not empty.
  case prepend([UInt8])
  /// Every occurrence of a text by another.
  case replace(pattern: [UInt8], content: [UInt8])

  /// How many times longer a text may become; more is refused, so that no file makes a text explode.
  static let growthLimit = 64

  /// How many times longer this step makes a text at most, apart from what is put before it.
  var growth: Int {
    switch self {
    case .composed: 3  // the longest canonical decomposition that stays decomposed
    case .prepend: 1
    case .replace(let pattern, let content):
      (content.count + pattern.count - 1) / pattern.count
    }
  }

  /// How many times shorter this step makes a text at most; nil where nothing may be left of it.
  var shrinkage: Int? {
    switch self {
    // Three code points of 7 bytes, U+1FBE U+0308 U+0301, become one of 2.
    case .composed: 4
    case .prepend: 1
    case .replace(let pattern, let content):
      content.isEmpty ? nil : max(1, (pattern.count + content.count - 1) / content.count)
    }
  }

  /// The text after this step.
  func apply(_ bytes: [UInt8]) -> [UInt8] {
    switch self {
    case .composed: return CanonicalComposition.compose(bytes)
    case .prepend(let prefix): return bytes.isEmpty ? bytes : prefix + bytes
    case .replace(let pattern, let content):
      return Normalizer.replacing(bytes[...], pattern, by: content)
    }
  }

  /// `bytes` with every occurrence of `pattern`, from the left, replaced by `content`.
  static func replacing(
    _ bytes: ArraySlice<UInt8>, _ pattern: [UInt8], by content: [UInt8]
  ) -> [UInt8] {
    var output: [UInt8] = []
    output.reserveCapacity(bytes.count + bytes.count / 2)
    let first = pattern[0]
    var index = bytes.startIndex
    while index < bytes.endIndex {
      if bytes[index] == first, pattern.count == 1 || bytes[index...].starts(with: pattern) {
        output.append(contentsOf: content)
        index += pattern.count
      } else {
        output.append(bytes[index])
        index += 1
      }
    }
    return output
  }
}
