import JSON

/// Typed access to the fields of one JSON object of a configuration file, with errors that name file and field.
struct ConfigurationFields {
  let file: String
  let object: JSONObject

  init(file: String, _ object: JSONObject) {
    self.file = file
    self.object = object
  }

  /// The fields of the JSON text `bytes`, which must be an object.
  init(file: String, parsing bytes: [UInt8]) throws(FormatError) {
    do throws(JSONError) {
      let value = try JSONValue(parsing: bytes)
      guard let object = value.objectValue else {
        throw JSONError(.unexpectedCharacter, "\(value.kind), not an object", offset: 0, line: 1)
      }
      self.init(file: file, object)
    } catch {
      throw FormatError(.malformed, "\(file): \(error.message)", offset: error.offset)
    }
  }

  func fault(_ reason: String, _ code: FormatError.Code = .malformed) -> FormatError {
    FormatError(code, "\(file): \(reason)")
  }

  /// The value of `key`; null counts as absent, as it does for transformers.
  subscript(key: String) -> JSONValue? {
    guard let value = object[key], !value.isNull else { return nil }
    return value
  }

  private func wrong(_ key: String, _ wanted: String) -> FormatError {
    fault("\(key) is \(self[key]?.kind ?? "missing") where \(wanted) should be")
  }

  /// A size: a positive integer up to 2^31.
  func size(_ key: String, default fallback: Int? = nil) throws(FormatError) -> Int {
    if self[key] == nil, let fallback { return fallback }
    guard let size = self[key]?.intValue else { throw wrong(key, "an integer") }
    guard (1...Int(Int32.max)).contains(size) else { throw fault("\(key) is \(size)") }
    return size
  }

  func integer(_ key: String) throws(FormatError) -> Int? {
    guard let value = self[key] else { return nil }
    guard let integer = value.intValue else { throw wrong(key, "an integer") }
    return integer
  }

  /// A positive finite number.
  func positive(_ key: String, default fallback: Double? = nil) throws(FormatError) -> Double {
    if self[key] == nil, let fallback { return fallback }
    guard let number = self[key]?.doubleValue else { throw wrong(key, "a number") }
    guard number > 0, number.isFinite else { throw fault("\(key) is \(number)") }
    return number
  }

  func flag(_ key: String, default fallback: Bool = false) throws(FormatError) -> Bool {
    guard let value = self[key] else { return fallback }
    guard let flag = value.boolValue else { throw wrong(key, "true or false") }
    return flag
  }

  func string(_ key: String) throws(FormatError) -> String? {
    guard let value = self[key] else { return nil }
    guard let text = value.stringValue else { throw wrong(key, "a string") }
    return text
  }

  func fields(_ key: String) throws(FormatError) -> ConfigurationFields? {
    guard let value = self[key] else { return nil }
    guard let object = value.objectValue else { throw wrong(key, "an object") }
    return ConfigurationFields(file: "\(file), \(key)", object)
  }

  /// Token ids: one, a list, or none.
  func tokens(_ key: String) throws(FormatError) -> [Int] {
    guard let value = self[key] else { return [] }
    var tokens: [Int] = []
    for element in value.arrayValue ?? [value] {
      guard let token = element.intValue else { throw wrong(key, "a token id or a list of them") }
      tokens.append(token)
    }
    return tokens
  }
}
