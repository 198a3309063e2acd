import JSON
import Tokenizers

/// What a row's keys mean; the first row or the header decides for the whole file.
enum RowShape: Equatable {
  case messages
  case conversations
  case completion
  case instruction
  case labelled
  case text
  case columns(prompt: ColumnTemplate, completion: ColumnTemplate)

  /// Why a row cannot be read.
  struct Problem: Error, Equatable {
    var message: String
  }

  /// The shape of rows with `keys`: the options' templates, else the first that fits.
  init(keys: [String], options: Dataset.Options) throws(Problem) {
    switch (options.prompt, options.completion) {
    case (.some(let prompt), .some(let completion)):
      let templates = (try ColumnTemplate(prompt), try ColumnTemplate(completion))
      let known = Set(keys)
      for name in templates.0.columns + templates.1.columns where !known.contains(name) {
        throw Problem(
          message: "there is no column '\(name)'; the columns are \(quoted(keys))")
      }
      self = .columns(prompt: templates.0, completion: templates.1)
      return
    case (nil, nil): break
    default:
      throw Problem(
        message: "a template for the prompt needs one for the completion, and the other way round;"
          + " the columns are \(quoted(keys))")
    }
    func has(_ names: String...) -> Bool { names.allSatisfy(keys.contains) }
    if has("messages") {
      self = .messages
    } else if has("conversations") {
      self = .conversations
    } else if has("prompt", "completion") {
      self = .completion
    } else if has("instruction", "output") {
      self = .instruction
    } else if has("text", "label") {
      self = .labelled
    } else if has("text") {
      self = .text
    } else {
      throw Problem(
        message:
          "cannot tell what to learn from \(quoted(keys)); rows have 'messages', 'conversations',"
          + " 'prompt' and 'completion', 'instruction' and 'output', 'text' and 'label', or 'text';"
          + " for other columns give templates, such as --prompt \"{question}\" and"
          + " --completion \"{answer}\", or the recipe's 'prompt' and 'completion'")
    }
  }

  /// What `row` holds.
  func content(of row: JSONObject) throws(Problem) -> Example.Content {
    for key in ["tools", "functions", "history", "images"] {
      if let value = row[key], !value.isEmptyOrNull {
        throw Problem(message: "'\(key)' is not supported, and would change what the model reads")
      }
    }
    switch self {
    case .messages:
      return .chat(try row.turns("messages", role: "role", text: "content") { $0 })
    case .conversations:
      let turns = try row.turns("conversations", role: "from", text: "value", roleOfSpeaker)
      guard let system = try row.optionalText("system") else { return .chat(turns) }
      return .chat([Message(role: "system", content: system)] + turns)
    case .completion:
      return .completion(
        Example.Completion(
          system: try row.optionalText("system"), prompt: try row.text("prompt"),
          completion: try row.text("completion")))
    case .instruction:
      let instruction = try row.text("instruction")
      let input = try row.optionalText("input")
      return .completion(
        Example.Completion(
          system: try row.optionalText("system"),
          prompt: input.map { "\(instruction)\n\n\($0)" } ?? instruction, separator: "\n\n",
          completion: try row.text("output")))
    case .labelled:
      return .completion(
        Example.Completion(
          prompt: try row.written("text"), separator: "\n", completion: try row.written("label")))
    case .text: return .text(try row.text("text"), isComplete: true)
    case .columns(let prompt, let completion):
      return .completion(
        Example.Completion(
          prompt: try prompt.filled { column throws(Problem) in try row.written(column) },
          completion: try completion.filled { column throws(Problem) in try row.written(column) }))
    }
  }
}

func quoted(_ names: [String]) -> String {
  names.isEmpty ? "nothing" : names.prefix(20).map { "'\($0.prefix(40))'" }.joined(separator: ", ")
}

private func roleOfSpeaker(_ speaker: String) -> String? {
  switch speaker {
  case "system": "system"
  case "human", "user": "user"
  case "gpt", "assistant", "model": "assistant"
  default: nil
  }
}
