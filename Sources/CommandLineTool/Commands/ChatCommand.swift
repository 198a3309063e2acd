import Foundation
import JSON
import Lorikeet
import Registry
import Serving

extension Tool {
  static let chat = Command(
    CommandSpec(
      "chat", group: "Answers", summary: "talk with an adapter; swap it between turns",
      details: [
        "In the chat: /swap REF answers with another version, /base with the base alone, /list "
          + "lists the adapters, /clear forgets the talk, /help tells, /quit ends. Ctrl-C stops "
          + "an answer. Where the input is no terminal, each line is a message."
      ],
      positionals: [PositionalSpec("REF", .optional, help: "who answers (default: the base)")],
      options: samplingOptions,
      examples: [
        ExampleSpec("lorikeet chat intent-kwikemart", "talk with an adapter"),
        ExampleSpec("lorikeet chat --temperature 0.7 --system 'You are brief.'", "with the base"),
      ])
  ) { session in
    let conversation = try Conversation(
      session.workspace(), with: session.arguments.positional(0) ?? Workspace.baseReference,
      base: session.arguments.string("base"), options: session.generateOptions())
    try Chat(session, conversation).run()
  }
}

/// The loop of a chat: lines that begin with a slash are for us, all others for the model.
struct Chat {
  private static let commands: [(name: String, does: String)] = [
    ("/swap REF", "another version answers from now on"),
    ("/base", "the base alone answers from now on"),
    ("/list", "the adapters there are"),
    ("/clear", "forget what was said"),
    ("/help", "this"),
    ("/quit", "end (so does Ctrl-D)"),
  ]

  private let session: Session
  private let console: Console
  private let conversation: Conversation

  init(_ session: Session, _ conversation: Conversation) {
    self.session = session
    console = session.console
    self.conversation = conversation
  }

  /// Talks until the input ends or the person does.
  func run() throws {
    let isPerson = console.facts.inputIsTerminal && !console.json
    if isPerson { console.note("\(conversation.reference) answers; /help tells what you can do") }
    while true {
      if isPerson { console.write(console.bold("\(conversation.reference)> ")) }
      guard let line = readLine() else { break }
      let text = line.trimmingCharacters(in: .whitespaces)
      if text.isEmpty { continue }
      if text == "/quit" || text == "/exit" { return }
      do {
        if text.hasPrefix("/") { try obey(text) } else { try answer(text) }
      } catch  where isPerson {
        // A slip of the person ends no talk; a script wants to know.
        console.error("lorikeet: \(oneLine(error))\n")
      }
    }
    if isPerson { console.line() }
  }

  private func obey(_ text: String) throws {
    let words = text.split(separator: " ", maxSplits: 1).map(String.init)
    switch words[0] {
    case "/swap":
      guard words.count == 2 else { throw UsageError("/swap needs a reference", command: "chat") }
      try swap(words[1])
    case "/base": try swap(Workspace.baseReference)
    case "/list":
      var query = ListQuery()
      query.limit = 51
      let adapters = try session.workspace().registry.list(query)
      for adapter in adapters.prefix(50) {
        console.note("  \(adapter.name)@\(adapter.newest)  \(aliasText(adapter.aliases))")
      }
      if adapters.count > 50 { console.note("  there are more: 'lorikeet list --all'") }
    case "/clear":
      conversation.clear()
      console.note("forgotten")
    case "/help":
      for command in Chat.commands {
        let gap = String(repeating: " ", count: 12 - command.name.count)
        console.note("  \(command.name)\(gap)\(command.does)")
      }
    default:
      let names = Chat.commands.map { $0.name.prefix { $0 != " " } }.map(String.init)
      throw UsageError(
        "there is no '\(words[0])' in a chat\(didYouMeanOne(words[0], among: names))",
        command: "chat")
    }
  }

  private func swap(_ reference: String) throws {
    let begin = ContinuousClock.now
    try conversation.swap(to: reference)
    let seconds = begin.duration(to: .now) / .seconds(1)
    console.note("\(conversation.reference) answers now (\(humanDuration(seconds: seconds)))")
  }

  private func answer(_ text: String) throws {
    Interrupt.catchSignals([SIGINT])
    defer { Interrupt.release([SIGINT]) }
    let answer = try conversation.send(text) { piece in
      if !console.json { console.write(session.shown(piece)) }
      return !Interrupt.isRequested
    }
    if console.json { return console.event(answer.json) }
    console.line()
    session.tellCut([answer], conversation.options)
  }
}
