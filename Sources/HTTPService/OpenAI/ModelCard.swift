public import JSON

/// A model as `/v1/models` tells of it, with vLLM's `root` and `parent` for adapters.
public struct ModelCard: Sendable, Equatable {
  /// What `model` in a request says to have it.
  public var id: String
  /// When it was made, in seconds since 1970.
  public var created: Int
  /// Whose it is.
  public var owner: String
  /// Where it comes from: the version's digest or the base's path.
  public var root: String?
  /// The base that an adapter is for; nil for a base.
  public var parent: String?
  /// Tokens of a prompt and its answer together at most.
  public var contextLength: Int?

  /// A card.
  public init(
    id: String, created: Int, owner: String = "lorikeet", root: String? = nil,
    parent: String? = nil, contextLength: Int? = nil
  ) {
    self.id = id
    self.created = created
    self.owner = owner
    self.root = root
    self.parent = parent
    self.contextLength = contextLength
  }

  /// The card's JSON.
  public var json: JSONValue {
    [
      "id": .string(id), "object": "model", "created": .int(created), "owned_by": .string(owner),
      "root": .text(root), "parent": .text(parent),
      "max_model_len": contextLength.map { .int($0) } ?? .null,
    ]
  }

  /// A list of cards.
  public static func list(_ cards: [ModelCard]) -> JSONValue {
    ["object": "list", "data": .array(cards.map(\.json))]
  }

  /// What a deletion of the model `id` answers.
  public static func deleted(_ id: String) -> JSONValue {
    ["id": .string(id), "object": "model", "deleted": true]
  }
}
