/// Reads comma- or tab-separated records as RFC 4180 has them.
///
/// ```
/// record = field *(delimiter field) line-end
/// field  = '"' *(any but '"' / '""') '"' / *(any but delimiter, line end)
/// ```
/// A quoted field may hold delimiters and line ends. A quote inside a field that is not quoted is an
/// error in comma-separated text; in tab-separated text, where fields are seldom quoted, it stands
/// for itself.
struct DelimitedText {
  /// One record and the number of the line that it starts on, from 1.
  struct Record: Equatable {
    var line: Int
    var fields: [String]
  }

  /// Why a record cannot be read.
  struct Problem: Error, Equatable {
    var line: Int
    var message: String
  }

  private let bytes: [UInt8]
  private let delimiter: UInt8
  private var index: Int
  private var line = 1

  /// A reader of `bytes` from `start` on.
  init(_ bytes: [UInt8], from start: Int = 0, delimiter: UInt8) {
    self.bytes = bytes
    self.delimiter = delimiter
    index = start
  }

  /// The next record, or nil at the end. An empty line is a record of one empty field.
  mutating func next() throws(Problem) -> Record? {
    guard index < bytes.count else { return nil }
    var record = Record(line: line, fields: [])
    let start = index
    while true {
      record.fields.append(try field())
      if index - start > maximumLineLength {
        throw Problem(line: record.line, message: lineTooLong)
      }
      guard index < bytes.count else { return record }
      let byte = bytes[index]
      index += 1
      if byte == delimiter { continue }
      if byte == UInt8(ascii: "\r"), index < bytes.count, bytes[index] == UInt8(ascii: "\n") {
        index += 1
      }
      line += 1
      return record
    }
  }

  /// The field that starts here, up to the delimiter or line end after it.
  private mutating func field() throws(Problem) -> String {
    if index < bytes.count, bytes[index] == UInt8(ascii: "\"") { return try quotedField() }
    let start = index
    while index < bytes.count, !isEnd(bytes[index]) {
      if bytes[index] == UInt8(ascii: "\""), delimiter == UInt8(ascii: ",") {
        throw Problem(
          line: line,
          message: "a quote inside a field that does not start with one;"
            + " quote the whole field and double the quotes in it")
      }
      index += 1
    }
    return try text(Array(bytes[start..<index]), line: line)
  }

  private mutating func quotedField() throws(Problem) -> String {
    let firstLine = line
    var content: [UInt8] = []
    index += 1
    while index < bytes.count {
      let byte = bytes[index]
      index += 1
      if byte == UInt8(ascii: "\"") {
        guard index < bytes.count, bytes[index] == UInt8(ascii: "\"") else {
          guard index == bytes.count || isEnd(bytes[index]) else {
            throw Problem(line: line, message: "text after a field's closing quote")
          }
          return try text(content, line: firstLine)
        }
        index += 1
      } else if byte == UInt8(ascii: "\n")
        || (byte == UInt8(ascii: "\r") && (index == bytes.count || bytes[index] != 10))
      {
        line += 1
      }
      content.append(byte)
      if content.count > maximumLineLength {
        throw Problem(line: firstLine, message: lineTooLong)
      }
    }
    throw Problem(line: firstLine, message: "a quoted field is not closed")
  }

  private func isEnd(_ byte: UInt8) -> Bool {
    byte == delimiter || byte == UInt8(ascii: "\n") || byte == UInt8(ascii: "\r")
  }

  private func text(_ content: [UInt8], line: Int) throws(Problem) -> String {
    guard let text = String(validating: content, as: UTF8.self) else {
      throw Problem(line: line, message: "not valid UTF-8")
    }
    return text
  }
}

/// The longest line or record that is read: 16 MiB.
let maximumLineLength = 16 << 20
let lineTooLong = "longer than \(maximumLineLength >> 20) MiB"
