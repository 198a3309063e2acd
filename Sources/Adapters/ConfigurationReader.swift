import JSON

/// Takes typed values out of an `adapter_config.json`, naming the key that does not fit.
struct ConfigurationReader {
  let object: JSONObject

  private func failure(_ key: String, _ wanted: String, _ found: JSONValue) -> AdapterError {
    AdapterError(
      .badConfiguration, "adapter_config.json: '\(key)' should be \(wanted), not \(found.kind)")
  }

  private func present(_ key: String) -> JSONValue? {
    guard let value = object[key], !value.isNull else { return nil }
    return value
  }

  func integer(_ key: String, else missing: Int) throws(AdapterError) -> Int {
    guard let value = present(key) else { return missing }
    guard let number = value.intValue else { throw failure(key, "an integer", value) }
    return number
  }

  func number(_ key: String, else missing: Double) throws(AdapterError) -> Double {
    guard let value = present(key) else { return missing }
    guard let number = value.doubleValue else { throw failure(key, "a number", value) }
    return number
  }

  func flag(_ key: String, else missing: Bool) throws(AdapterError) -> Bool {
    guard let value = present(key) else { return missing }
    guard let flag = value.boolValue else { throw failure(key, "true or false", value) }
    return flag
  }

  func text(_ key: String, else missing: String?) throws(AdapterError) -> String? {
    guard let value = present(key) else { return missing }
    guard let text = value.stringValue else { throw failure(key, "a string", value) }
    return text
  }

  /// A string, which is a pattern, or a list of names; nil for null.
  func choice(_ key: String) throws(AdapterError) -> ModuleChoice? {
    guard let value = present(key) else { return nil }
    if let pattern = value.stringValue { return .pattern(pattern) }
    let names = value.arrayValue?.compactMap(\.stringValue)
    guard let names, names.count == value.arrayValue?.count else {
      throw failure(key, "a string or a list of strings", value)
    }
    return .names(names)
  }

  /// A list of names; nil for null.
  func names(_ key: String) throws(AdapterError) -> [String]? {
    guard let value = present(key) else { return nil }
    let names = value.arrayValue?.compactMap(\.stringValue)
    guard let names, names.count == value.arrayValue?.count else {
      throw failure(key, "a list of strings", value)
    }
    return names
  }

  func oneOrMany<Element>(
    _ key: String, _ wanted: String, _ convert: (JSONValue) -> Element?
  ) throws(AdapterError) -> OneOrMany<Element>? {
    guard let value = present(key) else { return nil }
    if let element = convert(value) { return .one(element) }
    let elements = value.arrayValue?.compactMap(convert)
    guard let elements, elements.count == value.arrayValue?.count else {
      throw failure(key, "\(wanted) or a list of such", value)
    }
    return .many(elements)
  }

  /// An object of patterns, in the order of the file.
  func rules<Value>(
    _ key: String, _ wanted: String, _ convert: (JSONValue) -> Value?
  ) throws(AdapterError) -> [ModuleRule<Value>] {
    guard let value = present(key) else { return [] }
    guard let rules = value.objectValue else {
      throw failure(key, "an object of patterns", value)
    }
    var found: [ModuleRule<Value>] = []
    for member in rules.members {
      guard let converted = convert(member.value) else {
        throw failure(key, "an object whose values are each \(wanted)", member.value)
      }
      found.append(ModuleRule(member.key, converted))
    }
    return found
  }
}
