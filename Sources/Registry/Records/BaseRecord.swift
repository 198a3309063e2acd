public import Digests
public import Foundation

/// What a caller knows of a base that it adds.
public struct NewBase: Sendable, Hashable {
  /// The identity: over the canonical tensors and the configuration that changes the maths.
  public var fingerprint: Digest
  /// What people call it; the rules of adapters' names.
  public var name: String
  /// The directory or file it was read from.
  public var path: String
  /// `gguf` or `huggingface`.
  public var format: String
  /// Bytes on disk.
  public var size: Int
  /// When the files last changed.
  public var modified: Date
  /// `llama`, `qwen2`, ...
  public var architecture: String
  /// How many parameters it has.
  public var parameterCount: Int
  /// The model's configuration, JSON.
  public var configuration: String
  /// The identity of its tokenizer.
  public var tokenizerDigest: Digest?
  /// The identity of its chat template.
  public var templateDigest: Digest?

  /// A base with these facts.
  public init(
    fingerprint: Digest, name: String, path: String, format: String, size: Int, modified: Date,
    architecture: String, parameterCount: Int, configuration: String,
    tokenizerDigest: Digest? = nil, templateDigest: Digest? = nil
  ) {
    self.fingerprint = fingerprint
    self.name = name
    self.path = path
    self.format = format
    self.size = size
    self.modified = modified
    self.architecture = architecture
    self.parameterCount = parameterCount
    self.configuration = configuration
    self.tokenizerDigest = tokenizerDigest
    self.templateDigest = templateDigest
  }
}

/// A base as the registry knows it.
@dynamicMemberLookup
public struct BaseRecord: Sendable, Hashable {
  /// What was told when it was added.
  public var facts: NewBase
  /// When it was added.
  public var added: Date

  /// A fact of the base.
  public subscript<T>(dynamicMember fact: KeyPath<NewBase, T>) -> T { facts[keyPath: fact] }

  /// Whether files of this size and time are those that were added, as far as a glance tells (to the millisecond).
  public func looksUnchanged(size: Int, modified: Date) -> Bool {
    size == facts.size && milliseconds(modified) == milliseconds(facts.modified)
  }

  static let columns = """
    fingerprint, name, path, format, size, modified, architecture, parameter_count, configuration,
    tokenizer_digest, template_digest, added
    """

  init(_ row: inout Row) throws {
    facts = NewBase(
      fingerprint: try row.digest(), name: try row.text(), path: try row.text(),
      format: try row.text(), size: try row.integer(), modified: try row.date(),
      architecture: try row.text(), parameterCount: try row.integer(),
      configuration: try row.text(), tokenizerDigest: try row.optional { try $0.digest() },
      templateDigest: try row.optional { try $0.digest() })
    added = try row.date()
  }
}
