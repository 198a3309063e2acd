extension TemplateValue: Codable {
  /// Decodes a value; a decoder that keeps no order of keys (as Foundation's) gives them sorted.
  /// `init(json:)` keeps the order.
  public init(from decoder: any Decoder) throws {
    if let container = try? decoder.container(keyedBy: AnyKey.self) {
      var object = TemplateDictionary()
      for key in container.allKeys.sorted(by: { $0.stringValue < $1.stringValue }) {
        object[key.stringValue] = try container.decode(TemplateValue.self, forKey: key)
      }
      self = .dictionary(object)
    } else if var container = try? decoder.unkeyedContainer() {
      var items: [TemplateValue] = []
      while !container.isAtEnd { items.append(try container.decode(TemplateValue.self)) }
      self = .list(items)
    } else {
      let container = try decoder.singleValueContainer()
      if container.decodeNil() {
        self = .none
      } else if let value = try? container.decode(Bool.self) {
        self = .bool(value)
      } else if let value = try? container.decode(Int.self) {
        self = .int(value)
      } else if let value = try? container.decode(Double.self) {
        self = .float(value)
      } else {
        self = .string(try container.decode(String.self))
      }
    }
  }

  /// Encodes the value in the order of its keys, as far as the encoder keeps it.
  public func encode(to encoder: any Encoder) throws {
    switch self {
    case .dictionary(let object):
      var container = encoder.container(keyedBy: AnyKey.self)
      for (key, value) in object.pairs { try container.encode(value, forKey: AnyKey(key)) }
    case .list(let items):
      var container = encoder.unkeyedContainer()
      for item in items { try container.encode(item) }
    case .none: try encodeScalar(encoder) { try $0.encodeNil() }
    case .bool(let value): try encodeScalar(encoder) { try $0.encode(value) }
    case .int(let value): try encodeScalar(encoder) { try $0.encode(value) }
    case .float(let value): try encodeScalar(encoder) { try $0.encode(value) }
    case .string(let value): try encodeScalar(encoder) { try $0.encode(value) }
    }
  }

  private func encodeScalar(
    _ encoder: any Encoder, _ body: (inout any SingleValueEncodingContainer) throws -> Void
  ) throws {
    var container = encoder.singleValueContainer()
    try body(&container)
  }
}

/// A key of any name.
struct AnyKey: CodingKey {
  let stringValue: String
  var intValue: Int? { nil }

  init(_ name: String) { stringValue = name }
  init?(stringValue: String) { self.init(stringValue) }
  init?(intValue: Int) { nil }
}
