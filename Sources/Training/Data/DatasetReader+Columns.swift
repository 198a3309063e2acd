import JSON

extension DatasetReader {
  /// Rows under a header.
  func readColumns(delimiter: UInt8) throws(TrainingError) -> [Example] {
    var records = DelimitedText(bytes, from: start, delimiter: delimiter)
    func next() throws(TrainingError) -> DelimitedText.Record? {
      do { return try records.next() } catch { throw fault(error.line, error.message) }
    }
    guard let header = try next() else { return [] }
    let names = header.fields
    if let empty = names.firstIndex(of: "") {
      throw fault(header.line, "column \(empty + 1) of the header has no name")
    }
    var seen: Set<String> = []
    if let twice = names.first(where: { !seen.insert($0).inserted }) {
      throw fault(header.line, "two columns are called '\(twice)'")
    }
    let shape: RowShape
    do { shape = try RowShape(keys: names, options: options) } catch {
      throw fault(header.line, error.message)
    }
    var found: [Example] = []
    var emptyLine: Int?
    while !isFull(found), let record = try next() {
      if record.fields == [""] {
        emptyLine = emptyLine ?? record.line
        continue
      }
      if let emptyLine { throw fault(emptyLine, "the line is empty; a row should stand here") }
      guard record.fields.count == names.count else {
        throw fault(
          record.line,
          "\(record.fields.count) fields where the header names \(names.count) columns")
      }
      let row = JSONObject(zip(names, record.fields.map(JSONValue.string)))
      do { found.append(Example(try shape.content(of: row), line: record.line)) } catch {
        throw fault(record.line, error.message)
      }
    }
    return found
  }
}
