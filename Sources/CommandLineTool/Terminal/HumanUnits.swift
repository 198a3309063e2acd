package import Foundation

/// `bytes` for people, in powers of 1000: `98.4 MB`.
package func humanSize(_ bytes: Int) -> String {
  let units = ["B", "kB", "MB", "GB", "TB", "PB"]
  var value = Double(bytes)
  var unit = 0
  // 999.95 would be written as 1000.0.
  while value >= 999.95, unit < units.count - 1 {
    value /= 1000
    unit += 1
  }
  return unit == 0 ? "\(bytes) B" : "\(fixed(value, digits: 1)) \(units[unit])"
}

/// The bytes that a person means by `2GB`, `512 MB`, `1.5GiB` or a bare number; nil where that is none of these.
package func parsedSize(_ text: String) -> Int? {
  let digits = text.prefix { "0123456789.".contains($0) }
  let unit = text.dropFirst(digits.count).trimmingCharacters(in: .whitespaces).uppercased()
  let factors = [
    "": 1.0, "B": 1, "K": 1e3, "KB": 1e3, "M": 1e6, "MB": 1e6, "G": 1e9, "GB": 1e9, "T": 1e12,
    "TB": 1e12, "KIB": 1024, "MIB": 1_048_576, "GIB": 1_073_741_824,
  ]
  guard let value = Double(digits), let factor = factors[unit], value * factor >= 1,
    value * factor < 1e18
  else { return nil }
  return Int(value * factor)
}

/// `value` with so many digits after the point, whatever the locale.
package func fixed(_ value: Double, digits: Int) -> String {
  guard value.isFinite else { return value.isNaN ? "nan" : value < 0 ? "-inf" : "inf" }
  return String(format: "%.\(digits)f", locale: nil, value)
}

/// A number of things with its noun: `1 step`, `12 steps`.
package func counted(_ count: Int, _ noun: String, plural: String? = nil) -> String {
  "\(grouped(count)) \(count == 1 ? noun : plural ?? noun + "s")"
}

/// `count` with its thousands set apart: `49,152`.
package func grouped(_ count: Int) -> String {
  let digits = String(count.magnitude)
  var text = ""
  for (index, digit) in digits.enumerated() {
    if index > 0, (digits.count - index) % 3 == 0 { text += "," }
    text.append(digit)
  }
  return (count < 0 ? "-" : "") + text
}

/// A time that passes: `0:07`, `12:03`, `2:05:00`.
package func clockDuration(seconds: Double) -> String {
  guard seconds.isFinite, seconds >= 0, seconds < 1e9 else { return "-:--" }
  let total = Int(seconds.rounded())
  let (hours, minutes, rest) = (total / 3600, total / 60 % 60, total % 60)
  let tail = rest < 10 ? "0\(rest)" : "\(rest)"
  guard hours > 0 else { return "\(minutes):\(tail)" }
  return "\(hours):\(minutes < 10 ? "0" : "")\(minutes):\(tail)"
}

/// A time that has passed: `0.42 s`, `12.3 s`, `4 min 13 s`, `2 h 5 min`.
package func humanDuration(seconds: Double) -> String {
  guard seconds.isFinite, seconds >= 0, seconds < 1e12 else { return "-" }
  if seconds < 0.0995 { return "\(fixed(seconds * 1000, digits: 1)) ms" }
  if seconds < 9.995 { return "\(fixed(seconds, digits: 2)) s" }
  if seconds < 59.95 { return "\(fixed(seconds, digits: 1)) s" }
  let total = Int(seconds.rounded())
  if total < 3600 { return "\(total / 60) min \(total % 60) s" }
  if total < 86400 { return "\(total / 3600) h \(total / 60 % 60) min" }
  return "\(total / 86400) d \(total / 3600 % 24) h"
}

/// How long before `now` a moment was: `just now`, `5 minutes ago`, `3 days ago`.
package func humanAge(_ date: Date, now: Date = Date()) -> String {
  let seconds = now.timeIntervalSince(date)
  guard seconds >= 0, seconds < 1e12 else { return seconds < 0 ? "just now" : "-" }
  let units: [(size: Double, name: String)] = [
    (31_557_600, "year"), (2_629_800, "month"), (604_800, "week"), (86400, "day"), (3600, "hour"),
    (60, "minute"),
  ]
  for unit in units where seconds >= unit.size {
    return counted(Int(seconds / unit.size), unit.name) + " ago"
  }
  return "just now"
}

/// A large count for people: `134.5 M`.
package func humanCount(_ count: Int) -> String {
  let units = [(1e12, "T"), (1e9, "G"), (1e6, "M"), (1e3, "k")]
  for (size, name) in units where Double(count) >= size {
    return "\(fixed(Double(count) / size, digits: 1)) \(name)"
  }
  return "\(count)"
}
