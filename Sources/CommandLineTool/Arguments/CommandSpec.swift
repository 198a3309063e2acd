/// What one command is called, takes and does, as data: the parser and the help both read it.
package struct CommandSpec: Sendable {
  /// The words that name it: `["base", "add"]`.
  package var path: [String]
  /// The heading that it stands under in the tool's help.
  package var group: String
  /// One line that begins with a verb.
  package var summary: String
  /// Paragraphs below the summary in the command's own help, each wrapped to the page.
  package var details: [String] = []
  /// Arguments without a flag, in order.
  package var positionals: [PositionalSpec] = []
  /// Flags and options of this command; the tool's own come on top.
  package var options: [OptionSpec] = []
  /// Lines to try, each with what it does.
  package var examples: [ExampleSpec] = []

  /// The words as a person types them: `base add`.
  package var name: String { path.joined(separator: " ") }

  /// A command called `name`, whose words are parted by spaces.
  package init(
    _ name: String, group: String, summary: String, details: [String] = [],
    positionals: [PositionalSpec] = [], options: [OptionSpec] = [], examples: [ExampleSpec] = []
  ) {
    path = name.split(separator: " ").map(String.init)
    self.group = group
    self.summary = summary
    self.details = details
    self.positionals = positionals
    self.options = options
    self.examples = examples
  }
}

/// An argument that stands by its place.
package struct PositionalSpec: Sendable {
  /// How many values may stand there.
  package enum Count: Sendable {
    case one
    case optional
    case several
  }
  /// The placeholder: `PATH`.
  package var name: String
  /// How many values may stand there.
  package var count: Count
  /// What it is, in a few words.
  package var help: String

  /// An argument shown as `name`.
  package init(_ name: String, _ count: Count = .one, help: String) {
    self.name = name
    self.count = count
    self.help = help
  }

  /// As the usage line shows it: `PATH`, `[REF]` or `RECIPE...`.
  package var usage: String {
    switch count {
    case .one: name
    case .optional: "[\(name)]"
    case .several: "\(name)..."
    }
  }
}

/// A flag (`--json`) or an option with a value (`--rank N`).
package struct OptionSpec: Sendable {
  /// The word after the two dashes.
  package var name: String
  /// The placeholder of its value; nil for a flag.
  package var value: String?
  /// Whether it may be given several times.
  package var repeats: Bool
  /// The heading that it stands under in the command's help.
  package var section: String
  /// What it does, in a few words.
  package var help: String

  /// An option `--name VALUE`, or a flag where `value` is nil.
  package init(
    _ name: String, _ value: String? = nil, repeats: Bool = false, section: String = "Options",
    help: String
  ) {
    self.name = name
    self.value = value
    self.repeats = repeats
    self.section = section
    self.help = help
  }

  /// As the help shows it: `--rank N`.
  package var usage: String { "--" + name + (value.map { " " + $0 } ?? "") }
}

/// A line to try.
package struct ExampleSpec: Sendable {
  /// The line without the prompt.
  package var line: String
  /// What it does.
  package var does: String

  /// A line with what it does.
  package init(_ line: String, _ does: String) {
    self.line = line
    self.does = does
  }
}
