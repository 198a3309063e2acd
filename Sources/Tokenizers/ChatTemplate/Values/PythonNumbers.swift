import Foundation

extension Jinja {
  /// Python's ways with numbers.
  enum Numbers {
    /// `repr(float)`: the shortest digits that read back, with an exponent below 1e-4 and from
    /// 1e16.
    static func description(_ value: Double) -> String {
      if value.isNaN { return "nan" }
      if value.isInfinite { return value < 0 ? "-inf" : "inf" }
      let (digits, point) = shortestDigits(value.magnitude)
      let sign = value.sign == .minus ? "-" : ""
      if value == 0 { return sign + "0.0" }
      if point > 16 || point < -3 {
        let exponent = point - 1
        let size = abs(exponent)
        let mantissa =
          digits.count == 1 ? digits : digits.prefix(1) + "." + digits.dropFirst()
        return sign + mantissa + (exponent < 0 ? "e-" : "e+") + (size < 10 ? "0" : "") + "\(size)"
      }
      if point <= 0 { return sign + "0." + String(repeating: "0", count: -point) + digits }
      if digits.count <= point {
        return sign + digits + String(repeating: "0", count: point - digits.count) + ".0"
      }
      return sign + digits.prefix(point) + "." + digits.dropFirst(point)
    }

    /// The shortest digits of a positive number, and where its point stands: 0.digits times ten to
    /// that power.
    private static func shortestDigits(_ value: Double) -> (String, Int) {
      var text = value.description
      var exponent = 0
      if let mark = text.firstIndex(of: "e") {
        exponent = Int(text[text.index(after: mark)...]) ?? 0
        text = String(text[..<mark])
      }
      let parts = text.split(separator: ".", omittingEmptySubsequences: false)
      var digits = String(parts[0]) + (parts.count > 1 ? String(parts[1]) : "")
      var point = parts[0].count + exponent
      while digits.count > 1, digits.hasPrefix("0") {
        digits.removeFirst()
        point -= 1
      }
      while digits.count > 1, digits.hasSuffix("0") { digits.removeLast() }
      return (digits, point)
    }

    /// `"%.*f"`: correctly rounded digits after the point.
    static func fixed(_ value: Double, digits: Int) -> String {
      if value.isNaN { return "nan" }
      if value.isInfinite { return value < 0 ? "-inf" : "inf" }
      return String(format: "%.\(digits)f", value)
    }

    /// `float(str)`: blanks around it and single underscores between digits are allowed.
    static func float(_ text: String) -> Double? {
      guard let digits = plainDigits(text) else { return nil }
      let lower = digits.lowercased()
      switch lower.drop(while: { $0 == "+" || $0 == "-" }) {
      case "inf", "infinity", "nan":
        guard lower.filter({ $0 == "+" || $0 == "-" }).count <= 1 else { return nil }
        let value = lower.hasSuffix("nan") ? Double.nan : Double.infinity
        return lower.hasPrefix("-") ? -value : value
      default: break
      }
      guard digits.utf8.allSatisfy({ "0123456789+-.eE".utf8.contains($0) }) else { return nil }
      // Swift reads neither "1." nor ".5" on every platform, so both are completed.
      var text = digits
      if let point = text.firstIndex(of: ".") {
        let after = text.index(after: point)
        let hasBefore = point > text.startIndex && text[text.index(before: point)].isNumber
        let hasAfter = after < text.endIndex && text[after].isNumber
        guard hasBefore || hasAfter else { return nil }
        if !hasAfter { text.insert("0", at: after) }
        if !hasBefore { text.insert("0", at: point) }
      }
      return Double(text)
    }

    /// `int(str, base)` for what fits in 64 bits.
    static func int(_ text: String, base: Int = 10) -> Int? {
      guard var digits = plainDigits(text, radix: base == 0 ? 16 : base) else { return nil }
      let isNegative = digits.hasPrefix("-")
      if isNegative || digits.hasPrefix("+") { digits.removeFirst() }
      guard !digits.hasPrefix("-"), !digits.hasPrefix("+") else { return nil }
      var base = base
      let prefixes = ["0x": 16, "0o": 8, "0b": 2]
      if let named = prefixes[String(digits.prefix(2)).lowercased()], base == 0 || base == named {
        base = named
        digits.removeFirst(2)
      } else if base == 0 {
        base = 10
      }
      guard (2...36).contains(base) else { return nil }
      return Int((isNegative ? "-" : "") + digits, radix: base)
    }

    /// The text without blanks around it and without underscores between digits; nil where an
    /// underscore stands elsewhere.
    private static func plainDigits(_ text: String, radix: Int = 10) -> String? {
      let stripped = Text.strip(text)
      guard !stripped.isEmpty, stripped.utf8.count <= 4096, stripped.utf8.allSatisfy({ $0 < 0x80 })
      else { return nil }
      guard stripped.contains("_") else { return stripped }
      let scalars = Array(stripped)
      for (index, scalar) in scalars.enumerated() where scalar == "_" {
        guard index > 0, index < scalars.count - 1, scalars[index - 1].isHexDigit,
          scalars[index + 1].isHexDigit
        else { return nil }
      }
      return stripped.filter { $0 != "_" }
    }

    /// Python's floored remainder of floats.
    static func remainder(_ left: Double, _ right: Double) -> Double {
      let rest = left.truncatingRemainder(dividingBy: right)
      if rest == 0 { return Double(signOf: right, magnitudeOf: 0) }
      return (rest < 0) != (right < 0) ? rest + right : rest
    }

    /// How an integer compares to a float, exactly: -1, 0 or 1; nil for NaN.
    static func order(_ left: Int, _ right: Double) -> Int? {
      if right.isNaN { return nil }
      if right >= 0x1p63 { return -1 }
      if right < -0x1p63 { return 1 }
      let whole = Int(right.rounded(.down))
      if left != whole { return left < whole ? -1 : 1 }
      return right > right.rounded(.down) ? -1 : 0
    }
  }
}
