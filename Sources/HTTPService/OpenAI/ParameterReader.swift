import JSON
import Registry

/// An object of a request's body, read member by member: null is as good as nothing, another type is a refusal.
struct ParameterReader {
  private let object: JSONObject
  /// Where the object stands: empty for the body, else `messages[2]`.
  private let place: String

  init(_ object: JSONObject, at place: String = "") {
    self.object = object
    self.place = place
  }

  /// Reads `value`, which must be an object.
  init(_ value: JSONValue, at place: String) throws(APIError) {
    guard let object = value.objectValue else {
      throw .wrongType(place, "an object", value)
    }
    self.init(object, at: place)
  }

  /// The names of the members.
  var names: [String] { object.keys }

  /// Where the member stands, for messages and `param`.
  func path(_ name: String) -> String { place.isEmpty ? name : "\(place).\(name)" }

  /// The member, nil where it is absent or null.
  subscript(name: String) -> JSONValue? {
    guard let value = object[name], !value.isNull else { return nil }
    return value
  }

  /// The member, which must be there.
  func required(_ name: String) throws(APIError) -> JSONValue {
    if let value = self[name] { return value }
    throw APIError(
      .invalidRequest,
      "'\(path(name))' is \(object[name] == nil ? "missing" : "null; give a value")",
      param: path(name),
      code: "missing_required_parameter")
  }

  func string(_ name: String) throws(APIError) -> String? {
    guard let value = self[name] else { return nil }
    guard let text = value.stringValue else { throw .wrongType(path(name), "a string", value) }
    return text
  }

  func bool(_ name: String) throws(APIError) -> Bool? {
    guard let value = self[name] else { return nil }
    guard let flag = value.boolValue else { throw .wrongType(path(name), "true or false", value) }
    return flag
  }

  func integer(_ name: String, in range: ClosedRange<Int>) throws(APIError) -> Int? {
    guard let value = self[name] else { return nil }
    guard let number = value.intValue else {
      let isLarge = value.doubleValue.map { $0 == $0.rounded() } ?? false
      throw .wrongType(path(name), isLarge ? "an integer of 64 bits" : "an integer", value)
    }
    guard range.contains(number) else {
      let isOpen = range.upperBound >= Int(Int32.max)
      throw .wrongValue(
        path(name),
        !isOpen
          ? "from \(range.lowerBound) to \(range.upperBound)"
          : number < range.lowerBound
            ? "at least \(range.lowerBound)" : "at most \(range.upperBound)", "\(number)")
    }
    return number
  }

  func number(_ name: String, in range: ClosedRange<Double>) throws(APIError) -> Double? {
    guard let value = self[name] else { return nil }
    guard let number = value.doubleValue else { throw .wrongType(path(name), "a number", value) }
    guard range.contains(number) else {
      throw .wrongValue(
        path(name), "from \(plain(range.lowerBound)) to \(plain(range.upperBound))", plain(number))
    }
    return number
  }

  func array(_ name: String, atMost limit: Int) throws(APIError) -> [JSONValue]? {
    guard let value = self[name] else { return nil }
    guard let list = value.arrayValue else { throw .wrongType(path(name), "a list", value) }
    guard list.count <= limit else {
      throw APIError(
        .invalidRequest, "'\(path(name))' has \(list.count) elements; \(limit) are the most",
        param: path(name), code: "invalid_value")
    }
    return list
  }
}

extension APIError {
  static func wrongType(_ path: String, _ wanted: String, _ value: JSONValue) -> APIError {
    APIError(
      .invalidRequest, "'\(path)' must be \(wanted), not \(value.kind)", param: path,
      code: "invalid_type")
  }

  static func wrongValue(_ path: String, _ wanted: String, _ value: String) -> APIError {
    APIError(
      .invalidRequest, "'\(path)' must be \(wanted), not \(abridged(value))", param: path,
      code: "invalid_value")
  }

  static func unsupported(_ path: String, _ advice: String) -> APIError {
    APIError(
      .invalidRequest, "'\(path)' is not supported here; \(advice)", param: path,
      code: "unsupported_parameter")
  }
}

/// A number for a message: `2`, not `2.0`.
private func plain(_ value: Double) -> String {
  value == value.rounded() && value.magnitude < 1e15 ? String(Int(value)) : String(value)
}
