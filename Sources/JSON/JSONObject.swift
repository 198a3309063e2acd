/// The members of a JSON object in the order of the text, each key once.
///
/// Keys are compared byte by byte: Swift's `==` would take "é" and "e" with a combining accent for one key, which
/// they are not in a vocabulary.
public struct JSONObject: Sendable {
  /// A key and its value.
  public struct Member: Sendable, Equatable {
    /// The name.
    public var key: String
    /// What stands under the name.
    public var value: JSONValue
  }

  /// The members in order.
  public private(set) var members: [Member] = []
  // Only for objects that are too long to search through.
  private var index: [ExactKey: Int] = [:]
  private static let searched = 8

  /// An object without members.
  public init() {}

  /// The `members` in order; a key that comes again replaces the value of the first.
  public init(_ members: some Sequence<(String, JSONValue)>) {
    for (key, value) in members { self[key] = value }
  }

  /// Number of members.
  public var count: Int { members.count }
  /// Whether there is no member.
  public var isEmpty: Bool { members.isEmpty }
  /// The keys in order.
  public var keys: [String] { members.map(\.key) }

  /// The value of `key`; setting nil removes the member, setting a new key appends it.
  public subscript(key: String) -> JSONValue? {
    get { position(of: key).map { members[$0].value } }
    set {
      if let at = position(of: key) {
        if let newValue {
          members[at].value = newValue
        } else {
          members.remove(at: at)
          reindex()
        }
      } else if let newValue {
        append(Member(key: key, value: newValue))
      }
    }
  }

  /// Appends `member`; false, and no change, where its key is there already.
  mutating func appendIfNew(_ member: Member) -> Bool {
    guard members.count > JSONObject.searched else {
      guard position(of: member.key) == nil else { return false }
      append(member)
      return true
    }
    let there = index.updateValue(members.count, forKey: ExactKey(text: member.key))
    guard there == nil else {
      index[ExactKey(text: member.key)] = there
      return false
    }
    members.append(member)
    return true
  }

  private mutating func append(_ member: Member) {
    members.append(member)
    if members.count == JSONObject.searched + 1 {
      reindex()
    } else if members.count > JSONObject.searched {
      index[ExactKey(text: member.key)] = members.count - 1
    }
  }

  private mutating func reindex() {
    index.removeAll(keepingCapacity: false)
    guard members.count > JSONObject.searched else { return }
    for (at, member) in members.enumerated() { index[ExactKey(text: member.key)] = at }
  }

  private func position(of key: String) -> Int? {
    members.count > JSONObject.searched
      ? index[ExactKey(text: key)]
      : members.firstIndex { ExactKey(text: $0.key) == ExactKey(text: key) }
  }
}

extension JSONObject: ExpressibleByDictionaryLiteral {
  /// Writes members in order as a literal.
  public init(dictionaryLiteral elements: (String, JSONValue)...) { self.init(elements) }
}

extension JSONObject: Equatable {
  /// Whether both have the same members in the same order.
  public static func == (left: JSONObject, right: JSONObject) -> Bool {
    left.members == right.members
  }
}

/// A key that equals another only where both have the same bytes.
private struct ExactKey: Hashable, Sendable {
  let text: String

  static func == (left: ExactKey, right: ExactKey) -> Bool {
    left.text.utf8.count == right.text.utf8.count && left.text.utf8.elementsEqual(right.text.utf8)
  }

  func hash(into hasher: inout Hasher) {
    let done: Void? = unsafe text.utf8.withContiguousStorageIfAvailable {
      unsafe hasher.combine(bytes: UnsafeRawBufferPointer($0))
    }
    if done == nil { for byte in text.utf8 { hasher.combine(byte) } }
  }
}
