import JSON

/// Takes a file's bytes apart, row by row.
struct DatasetReader {
  let bytes: [UInt8]
  let path: String
  let options: Dataset.Options
  /// Where the text starts: behind a byte order mark.
  let start: Int
  private var shape: RowShape?

  init(bytes: [UInt8], path: String, options: Dataset.Options) {
    self.bytes = bytes
    self.path = path
    self.options = options
    start = bytes.starts(with: [0xEF, 0xBB, 0xBF]) ? 3 : 0
  }

  /// An error at a line, or at a row of a JSON list.
  func fault(_ line: Int, _ reason: String, unit: String = "line") -> TrainingError {
    TrainingError(.badData, "'\(path)', \(unit) \(line): \(reason)")
  }

  /// The format that the options name, else the one that extension and first byte point to.
  func format() throws(TrainingError) -> DataFormat {
    if bytes.starts(with: [0xFF, 0xFE]) || bytes.starts(with: [0xFE, 0xFF]) {
      throw TrainingError(.badData, "'\(path)' is UTF-16; save it as UTF-8")
    }
    if let format = options.format { return format }
    let first = bytes[start...].first { ![0x20, 0x09, 0x0A, 0x0D].contains($0) }
    let name = path.split(separator: "/").last.map { $0.lowercased() } ?? ""
    switch name.split(separator: ".").dropFirst().last {
    case "jsonl", "ndjson": return .jsonl
    case "json": return first == UInt8(ascii: "[") ? .json : .jsonl
    case "csv": return .csv
    case "tsv", "tab": return .tsv
    case "txt", "text", "md": return looksLikeJSONLines ? .jsonl : .text
    default:
      if looksLikeJSONLines { return .jsonl }
      if first == UInt8(ascii: "[") { return .json }
      throw TrainingError(
        .badData,
        "cannot tell the format of '\(path)' by its name; call it .jsonl, .json, .csv, .tsv or"
          + " .txt, or give --format")
    }
  }

  /// Whether the first line is a JSON object.
  private var looksLikeJSONLines: Bool {
    guard let line = bytes[start...].split(separator: 10, maxSplits: 1).first,
      line.count <= maximumLineLength, case .object = try? JSONValue(parsing: line)
    else { return false }
    return true
  }

  /// The rows, read as `format` has them.
  mutating func examples(_ format: DataFormat) throws(TrainingError) -> [Example] {
    switch format {
    case .jsonl: try readJSONLines()
    case .json: try readJSONList()
    case .csv: try readColumns(delimiter: UInt8(ascii: ","))
    case .tsv: try readColumns(delimiter: UInt8(ascii: "\t"))
    case .text: try readParagraphs()
    }
  }

  func isFull(_ examples: [Example]) -> Bool { examples.count == options.limit }
}

extension DatasetReader {
  private mutating func readJSONLines() throws(TrainingError) -> [Example] {
    var found: [Example] = []
    var emptyLine: Int?
    var line = 0
    var index = start
    while index < bytes.count, !isFull(found) {
      line += 1
      let end = bytes[index...].firstIndex(of: 10) ?? bytes.count
      let content = bytes[index..<end]
      index = end + 1
      guard content.count <= maximumLineLength else { throw fault(line, lineTooLong) }
      if content.allSatisfy({ $0 == 0x20 || $0 == 0x09 || $0 == 0x0D }) {
        emptyLine = emptyLine ?? line
        continue
      }
      // Empty lines at the end are nothing; one before a row may be a row that was lost.
      if let emptyLine { throw fault(emptyLine, "the line is empty; a row should stand here") }
      found.append(try example(try parse(content, line: line), line: line))
    }
    return found
  }

  private func parse(_ content: ArraySlice<UInt8>, line: Int) throws(TrainingError) -> JSONValue {
    do { return try JSONValue(parsing: content) } catch {
      throw fault(line, "\(error.reason) (byte \(error.offset + 1) of the line)")
    }
  }

  private mutating func readJSONList() throws(TrainingError) -> [Example] {
    // Parsed as a whole, a list takes several times its size in memory.
    let maximum = 64 << 20
    guard bytes.count <= maximum else {
      throw TrainingError(
        .cannotRead,
        "'\(path)' is a JSON list of more than \(maximum >> 20) MiB; write one object on each line")
    }
    let value: JSONValue
    do { value = try JSONValue(parsing: bytes[start...]) } catch {
      throw fault(error.line, error.reason)
    }
    guard let rows = value.arrayValue else {
      throw TrainingError(.badData, "'\(path)' should hold a list of objects, found \(value.kind)")
    }
    var found: [Example] = []
    for (index, row) in rows.enumerated() where !isFull(found) {
      found.append(try example(row, line: index + 1, unit: "row"))
    }
    return found
  }

  private mutating func example(
    _ value: JSONValue, line: Int, unit: String = "line"
  ) throws(TrainingError) -> Example {
    guard let object = value.objectValue else {
      throw fault(line, "a row should be an object, found \(value.kind)", unit: unit)
    }
    let shape: RowShape
    if let known = self.shape {
      shape = known
    } else {
      do { shape = try RowShape(keys: object.keys, options: options) } catch {
        throw fault(line, error.message, unit: unit)
      }
      self.shape = shape
    }
    do { return Example(try shape.content(of: object), line: line) } catch {
      throw fault(line, error.message, unit: unit)
    }
  }
}
