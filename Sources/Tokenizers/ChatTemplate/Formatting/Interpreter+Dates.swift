import Foundation

extension Jinja.Interpreter {
  private static let days = [
    "Sunday", "Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday",
  ]
  private static let months = [
    "January", "February", "March", "April", "May", "June", "July", "August", "September",
    "October", "November", "December",
  ]

  /// `strftime` of the rendering's time, in the C locale as in Python.
  func formatDate(_ format: String) throws(TemplateError) -> String {
    try formatDate(format, date)
  }

  private func formatDate(
    _ format: String, _ date: DateComponents
  ) throws(TemplateError) -> String {
    try spend(on: format)
    var result = ""
    var scalars = Array(format.unicodeScalars)[...]
    while let scalar = scalars.popFirst() {
      guard scalar == "%" else {
        result.unicodeScalars.append(scalar)
        continue
      }
      var isPlain = false
      if scalars.first == "-" {
        isPlain = true
        scalars.removeFirst()
      }
      guard let directive = scalars.popFirst() else {
        throw failure(.unsupported, "'%' at the end of a date's format")
      }
      try spend(1)
      try checkSize(result.utf8.count)
      result += try field(directive, isPlain: isPlain, date)
    }
    return result
  }

  private func field(
    _ directive: Unicode.Scalar, isPlain: Bool, _ date: DateComponents
  ) throws(TemplateError) -> String {
    let (year, month, day) = (date.year ?? 1, date.month ?? 1, date.day ?? 1)
    let (hour, minute, second) = (date.hour ?? 0, date.minute ?? 0, date.second ?? 0)
    let weekday = (date.weekday ?? 1) - 1
    let hour12 = hour % 12 == 0 ? 12 : hour % 12
    func number(_ value: Int, _ width: Int, _ fill: String = "0") -> String {
      let digits = "\(value)"
      return isPlain
        ? digits : String(repeating: fill, count: max(0, width - digits.count)) + digits
    }
    func fields(_ format: String) throws(TemplateError) -> String { try formatDate(format, date) }
    switch directive {
    case "Y": return "\(year)"
    case "y": return number(year % 100, 2)
    case "C": return number(year / 100, 2)
    case "m": return number(month, 2)
    case "d": return number(day, 2)
    case "e": return number(day, 2, " ")
    case "j": return number(date.dayOfYear ?? 1, 3)
    case "H": return number(hour, 2)
    case "k": return number(hour, 2, " ")
    case "I": return number(hour12, 2)
    case "l": return number(hour12, 2, " ")
    case "M": return number(minute, 2)
    case "S": return number(second, 2)
    case "f" where !isPlain: return number((date.nanosecond ?? 0) / 1000, 6)
    case "u": return "\(weekday == 0 ? 7 : weekday)"
    case "w": return "\(weekday)"
    case "A": return Self.days[weekday]
    case "a": return String(Self.days[weekday].prefix(3))
    case "B": return Self.months[month - 1]
    case "b", "h": return String(Self.months[month - 1].prefix(3))
    case "p": return hour < 12 ? "AM" : "PM"
    case "P": return hour < 12 ? "am" : "pm"
    case "n" where !isPlain: return "\n"
    case "t" where !isPlain: return "\t"
    case "%" where !isPlain: return "%"
    // `datetime.now()` knows no time zone, so these are empty.
    case "z" where !isPlain, "Z" where !isPlain: return ""
    case "F" where !isPlain: return try fields("%Y-%m-%d")
    case "T" where !isPlain, "X" where !isPlain: return try fields("%H:%M:%S")
    case "R" where !isPlain: return try fields("%H:%M")
    case "D" where !isPlain, "x" where !isPlain: return try fields("%m/%d/%y")
    case "r" where !isPlain: return try fields("%I:%M:%S %p")
    case "c" where !isPlain: return try fields("%a %b %e %H:%M:%S %Y")
    default:
      throw failure(.unsupported, "'%\(isPlain ? "-" : "")\(directive)' in a date is not supported")
    }
  }
}
