package import Digests
package import Foundation

/// A value on its way into a statement.
package enum SQLValue: Sendable, ExpressibleByNilLiteral, ExpressibleByIntegerLiteral,
  ExpressibleByStringLiteral
{
  case null
  case integer(Int64)
  case real(Double)
  case text(String)

  package init(nilLiteral: ()) { self = .null }
  package init(integerLiteral value: Int64) { self = .integer(value) }
  package init(stringLiteral value: String) { self = .text(value) }

  package init(_ value: Int) { self = .integer(Int64(value)) }
  package init(_ value: Int?) { self = value.map { .integer(Int64($0)) } ?? .null }
  package init(_ value: Double?) { self = value.map { .real($0) } ?? .null }
  package init(_ value: String?) { self = value.map { .text($0) } ?? .null }
  package init(_ value: Digest?) { self = value.map { .text($0.hex) } ?? .null }
  package init(_ value: Date) { self = .integer(milliseconds(value)) }

  /// `value`'s 64 bits; SQLite has no unsigned integers.
  package init(bits value: UInt64) { self = .integer(Int64(bitPattern: value)) }
}

/// `date` as whole milliseconds since 1970 UTC, the form of every stored time; the nearest end where out of range.
package func milliseconds(_ date: Date) -> Int64 {
  let value = (date.timeIntervalSince1970 * 1000).rounded()
  guard !value.isNaN else { return 0 }
  return Int64(exactly: max(-9e15, min(9e15, value))) ?? 0
}

/// The date of a stored time.
package func date(milliseconds: Int64) -> Date {
  Date(timeIntervalSince1970: Double(milliseconds) / 1000)
}
