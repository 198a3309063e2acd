import Foundation

extension Jinja {
  /// How one value is laid out by `%` or by `str.format`.
  struct FormatSpecification {
    var fill: Unicode.Scalar = " "
    /// `<`, `>`, `^`, or `=` for filling after the sign.
    var alignment: Unicode.Scalar?
    /// `+`, a blank, or `-` for negative numbers only.
    var sign: Unicode.Scalar = "-"
    var isAlternate = false
    var width = 0
    var grouping: Unicode.Scalar?
    var precision: Int?
    var type: Unicode.Scalar?

    /// Widths and precisions beyond this are refused; no prompt has a use for them.
    static let largest = 4096

    /// The digits of an integer in the type's base, or nil where the type is for floats.
    func digits(of value: UInt) -> String? {
      switch type {
      case nil, "d", "i", "u": String(value)
      case "x": (isAlternate ? "0x" : "") + String(value, radix: 16)
      case "X": (isAlternate ? "0X" : "") + String(value, radix: 16, uppercase: true)
      case "o": (isAlternate ? "0o" : "") + String(value, radix: 8)
      case "b": (isAlternate ? "0b" : "") + String(value, radix: 2)
      default: nil
      }
    }

    /// The digits of the magnitude of a float, as C's `printf` has them; nil where the type is not
    /// for floats.
    func digits(of value: Double) -> String? {
      guard let type, !isAlternate else { return nil }
      let size = value.magnitude
      let digits = precision ?? 6
      switch type {
      case "f", "F", "e", "E", "g", "G":
        if !size.isFinite {
          let text = size.isNaN ? "nan" : "inf"
          return type.properties.isUppercase ? text.uppercased() : text
        }
        return String(format: "%.\(digits)\(type)", size)
      case "%": return size.isFinite ? String(format: "%.\(digits)f", size * 100) + "%" : nil
      default: return nil
      }
    }

    /// A number with its sign, grouped and laid out.
    func lay(number digits: String, isNegative: Bool) -> String {
      let mark = isNegative ? "-" : sign == "-" ? "" : String(sign)
      var body = digits
      if let grouping {
        let whole = digits.prefix { $0.isNumber }
        var grouped = ""
        for (index, digit) in whole.enumerated() {
          if index > 0, (whole.count - index) % 3 == 0 { grouped.unicodeScalars.append(grouping) }
          grouped.append(digit)
        }
        body = grouped + digits.dropFirst(whole.count)
      }
      let missing = width - mark.count - body.count
      if alignment == "=", missing > 0 {
        return mark + String(repeating: String(fill), count: missing) + body
      }
      return lay(mark + body, towards: ">")
    }

    /// A text laid out; `towards` is the alignment where none is asked for.
    func lay(_ text: String, towards fallback: Unicode.Scalar) -> String {
      let missing = width - text.unicodeScalars.count
      guard missing > 0 else { return text }
      func filling(_ count: Int) -> String { String(repeating: String(fill), count: count) }
      switch alignment ?? fallback {
      case "<": return text + filling(missing)
      case "^": return filling(missing / 2) + text + filling(missing - missing / 2)
      default: return filling(missing) + text
      }
    }
  }
}
