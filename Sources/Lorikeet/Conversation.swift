import Registry
import Serving
public import Tokenizers

/// A conversation with one adapter at a time over one base; the adapter may be swapped between turns.
public final class Conversation {
  private let workspace: Workspace
  private let baseName: String?
  /// What has been said.
  public private(set) var messages: [Message] = []
  /// Who answers now: `name@version`, or `base`.
  public private(set) var reference: String
  /// How answers are made.
  public var options: GenerateOptions

  /// A conversation with the version that `reference` names.
  public init(
    _ workspace: Workspace, with reference: String = Workspace.baseReference,
    base: String? = nil, options: GenerateOptions = GenerateOptions()
  ) throws {
    self.workspace = workspace
    baseName = base
    self.options = options
    self.reference = Workspace.baseReference
    try swap(to: reference)
  }

  /// Has the version that `reference` names answer from the next turn on; nothing changes where that fails.
  public func swap(to reference: String) throws {
    let (base, version) = try workspace.open(reference, base: baseName)
    if let version { _ = try workspace.pin(version, on: base) }
    self.reference = version?.reference ?? Workspace.baseReference
  }

  /// Says `text` and returns the answer, which becomes part of the conversation.
  public func send(_ text: String, onText: (String) -> Bool = { _ in true }) throws -> Answer {
    let asked = messages + [Message(role: "user", content: text)]
    let answers = try workspace.generate(
      asked, with: [reference], base: baseName, options: options, onText: { onText($1) })
    messages = asked + [Message(role: "assistant", content: answers[0].result.text)]
    return answers[0]
  }

  /// Forgets what has been said.
  public func clear() { messages = [] }
}
