import Digests
import Foundation
import JSON
import Lorikeet
import Registry
import Serving

extension Tool {
  /// How answers are made, for `generate` and `chat`.
  static let samplingOptions = [
    OptionSpec("max-tokens", "N", help: "the longest answer (default 256)"),
    OptionSpec("temperature", "T", help: "0 takes the likeliest token (default 0)"),
    OptionSpec("top-k", "N", help: "only the N likeliest tokens"),
    OptionSpec("top-p", "P", help: "only the likeliest tokens that reach P together"),
    OptionSpec("min-p", "P", help: "only tokens at least P as likely as the likeliest"),
    OptionSpec("repetition-penalty", "X", help: "above 1: less of what was said"),
    OptionSpec("seed", "N", help: "where chance starts (default 0)"),
    OptionSpec("stop", "TEXT", repeats: true, help: "end the answer before this text"),
    OptionSpec("system", "TEXT", help: "what the system is told first"),
    OptionSpec("base", "NAME", help: "the base, where no adapter says which"),
    weightsOption,
  ]

  static let generate = Command(
    ending: CommandSpec(
      "generate", group: "Answers",
      summary: "answer a prompt, with several adapters side by side off one base",
      positionals: [PositionalSpec("PROMPT", help: "the prompt; - reads it from the input")],
      options: [
        OptionSpec(
          "with", "REF", repeats: true, help: "an adapter's version, or base (default: base)")
      ] + samplingOptions,
      examples: [
        ExampleSpec(
          "lorikeet generate --with intent-kwikemart 'when do you close today?'", "one adapter"),
        ExampleSpec(
          "lorikeet generate --with support@1 --with support@2 --with base 'Hello?'",
          "two versions and the base"),
        ExampleSpec(
          "lorikeet generate --temperature 0.8 --seed 7 'Tell me a story.'",
          "with some chance"),
      ])
  ) { session in
    let workspace = try session.workspace()
    let options = try session.generateOptions()
    let given = session.arguments.strings("with")
    let references = given.isEmpty ? [Workspace.baseReference] : given
    let prompt = try session.prompt()
    Interrupt.catchSignals([SIGINT])
    defer { Interrupt.release([SIGINT]) }
    let console = session.console
    let streams = references.count == 1 && !console.json
    let begin = ContinuousClock.now
    let answers = try workspace.generate(
      prompt, with: references, base: session.arguments.string("base"), options: options
    ) { _, text in
      if streams { console.write(session.shown(text)) }
      return !Interrupt.isRequested
    }
    let seconds = begin.duration(to: .now) / .seconds(1)
    if console.json {
      console.result([
        "prompt": .string(prompt), "answers": .array(answers.map(\.json)),
        "seconds": .double(seconds),
      ])
    } else if streams {
      console.line()
    } else {
      session.show(answers)
    }
    session.tellCut(answers, options)
    return Interrupt.isRequested ? .interrupted : .done
  }
}

extension Session {
  /// How answers are made, by the flags.
  func generateOptions() throws -> GenerateOptions {
    var options = GenerateOptions()
    if let value = try arguments.integer("max-tokens", in: 1...1_000_000) {
      options.maximumTokens = value
    }
    if let value = try arguments.number("temperature", from: 0, to: 100) {
      options.sampler.temperature = Float(value)
    }
    if let value = try arguments.integer("top-k", in: 0...Int.max) { options.sampler.topK = value }
    if let value = try arguments.number("top-p", from: 0, to: 1, barring: [0]) {
      options.sampler.topP = Float(value)
    }
    if let value = try arguments.number("min-p", from: 0, to: 1) {
      options.sampler.minP = Float(value)
    }
    if let value = try arguments.number("repetition-penalty", from: 0, to: 100, barring: [0]) {
      options.sampler.repetitionPenalty = Float(value)
    }
    if let value = try arguments.integer("seed", in: 0...Int.max) {
      options.sampler.seed = UInt64(value)
    }
    options.stopTexts = arguments.strings("stop")
    options.system = arguments.string("system")
    return options
  }

  /// The prompt given, or the whole input for `-`.
  fileprivate func prompt() throws -> String {
    let text = argument(0)
    guard text == "-" else { return text }
    let limit = 16 << 20
    let data = try FileHandle.standardInput.read(upToCount: limit + 1) ?? Data()
    guard data.count <= limit, let prompt = String(data: data, encoding: .utf8) else {
      throw arguments.misuse("the prompt on the input is not UTF-8, or longer than 16 MiB")
    }
    return prompt
  }

  /// Text of a model, made harmless where it goes to a terminal.
  func shown(_ text: String) -> String { console.width == nil ? text : harmless(text) }

  /// Answers side by side where the terminal is wide enough, else under each other.
  func show(_ answers: [Answer]) {
    let blocks = answers.map { (title: $0.reference, text: shown($0.result.text)) }
    if let width = console.width, width / blocks.count >= 36 {
      for (index, line) in sideBySide(blocks, width: width).enumerated() {
        console.line(index == 0 ? console.bold(line) : line)
      }
      return
    }
    for (index, block) in blocks.enumerated() {
      if index > 0 { console.line() }
      console.line(console.bold(console.coloured("[\(block.title)]", index)))
      console.line(block.text)
    }
  }

  /// Says which answers were cut, so that nobody takes a part for the whole.
  func tellCut(_ answers: [Answer], _ options: GenerateOptions) {
    guard !console.json else { return }
    let cut = answers.filter { $0.result.finish == .length }.map(\.reference)
    guard !cut.isEmpty else { return }
    console.note(
      "(\(cut.joined(separator: ", ")): cut at \(counted(options.maximumTokens, "token")); "
        + "--max-tokens allows more)")
  }
}

extension Answer {
  var json: JSONValue {
    [
      "reference": .string(reference), "digest": .text(digest?.hex), "text": .string(result.text),
      "finish": .string(result.finish.rawValue), "promptTokens": .int(result.promptTokens),
      "tokens": .int(result.tokens.count),
    ]
  }
}
