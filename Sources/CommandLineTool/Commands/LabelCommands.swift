import Foundation
import JSON
import Lorikeet
import Registry

extension Tool {
  static let tag = Command(
    CommandSpec(
      "tag", group: "Registry", summary: "put tags on an adapter, or take them off",
      details: ["'lorikeet list --tag TAG' lists who has one."],
      positionals: [
        PositionalSpec("NAME", help: "the adapter"),
        PositionalSpec("TAG", .several, help: "tags such as customer-7 or beta"),
      ],
      options: [OptionSpec("remove", help: "take the tags off")],
      examples: [
        ExampleSpec("lorikeet tag acme/support beta english", "two tags"),
        ExampleSpec("lorikeet tag acme/support beta --remove", "take one off"),
      ])
  ) { session in
    let registry = try session.workspace().registry
    let name = session.argument(0)
    let tags = Array(session.arguments.positionals.dropFirst())
    if session.arguments.flag("remove") {
      try registry.untag(name, tags)
    } else {
      try registry.tag(name, tags)
    }
    let all = try registry.tags(of: name)
    session.say(
      "\(name): " + (all.isEmpty ? "no tags" : all.joined(separator: ", ")),
      ["name": .string(name), "tags": .array(all.map { .string($0) })])
  }

  static let note = Command(
    CommandSpec(
      "note", group: "Registry", summary: "write a note on an adapter or a version",
      details: ["A note is only ever added; 'show' and 'history' tell it."],
      positionals: [
        PositionalSpec("REF", help: "a name (the adapter), or name@VERSION"),
        PositionalSpec("TEXT", help: "what to remember"),
      ],
      examples: [
        ExampleSpec("lorikeet note acme/support@3 'trained without the June tickets'", "a version")
      ])
  ) { session in
    let (reference, text) = (session.argument(0), session.argument(1))
    try session.workspace().registry.addNote(text, to: reference)
    session.say("noted on \(reference)", ["subject": .string(reference), "note": .string(text)])
  }

  static let rename = Command(
    CommandSpec(
      "rename", group: "Registry", summary: "give an adapter another name",
      details: ["Versions, aliases, runs, tags and notes go with it. The old name means nothing."],
      positionals: [
        PositionalSpec("NAME", help: "the adapter"), PositionalSpec("NEW", help: "its new name"),
      ],
      examples: [ExampleSpec("lorikeet rename support acme/support", "into a namespace")])
  ) { session in
    let (old, new) = (session.argument(0), session.argument(1))
    try session.workspace().registry.rename(old, to: new)
    session.say("\(old) is now \(new)", ["name": .string(new), "previous": .string(old)])
  }

  static let remove = Command(
    CommandSpec(
      "rm", group: "Registry", summary: "remove versions, or whole adapters",
      details: [
        "A version that an alias names is protected: take the alias away first. Numbers of "
          + "removed versions are not used again, but a name that was removed with --all begins "
          + "anew. The audit keeps what there was. All that are named go, or none."
      ],
      positionals: [PositionalSpec("REF", .several, help: "name@VERSION; a name with --all")],
      options: [OptionSpec("all", help: "the adapters of these names with all their versions")],
      examples: [
        ExampleSpec("lorikeet rm acme/support@1 acme/support@2", "two versions"),
        ExampleSpec("lorikeet rm acme/trial --all", "an adapter"),
      ])
  ) { session in
    let registry = try session.workspace().registry
    let references = session.arguments.positionals
    let whole = session.arguments.flag("all")
    for text in references {
      guard case .adapter(_, let selector) = try Reference(text) else {
        throw session.arguments.misuse("'base' is no adapter; 'base rm' forgets a base")
      }
      if whole, selector != .preferred {
        throw session.arguments.misuse("--all takes names, not '\(text)'")
      }
      guard whole || selector != .preferred else {
        throw session.arguments.misuse("'\(text)' names no version; write '\(text)@1', or --all")
      }
    }
    if whole { try registry.removeAdapters(references) }
    let gone = try whole ? references : registry.removeVersions(references).map(\.reference)
    for removed in gone {
      if session.console.json {
        session.console.event(["removed": .string(removed)])
      } else {
        session.console.line("removed \(removed)")
      }
    }
  }

  static let history = Command(
    CommandSpec(
      "history", group: "Registry", summary: "tell who did what to an adapter, and when",
      positionals: [
        PositionalSpec("NAME", help: "the adapter, or key:NAME; also one that was removed")
      ],
      options: [OptionSpec("limit", "N", help: "at most so many, newest first (default 50)")],
      examples: [
        ExampleSpec("lorikeet history intent-kwikemart", "the audit of one adapter"),
        ExampleSpec("lorikeet history key:acme", "who added a key and who revoked it"),
      ])
  ) { session in
    let registry = try session.workspace().registry
    let name = session.argument(0)
    let limit = try session.arguments.integer("limit", in: 1...1_000_000) ?? 50
    let key = name.hasPrefix("key:") ? String(name.dropFirst(4)) : nil
    let lines =
      try key.map { try registry.keyTrail(of: $0, limit: limit) }
      ?? registry.auditTrail(of: name, limit: limit)
    if lines.isEmpty, let key {
      throw RegistryError(
        .notFound, "there never was a key '\(key)'; 'lorikeet key list' lists them")
    }
    if lines.isEmpty {
      // A name that nobody has heard of is a slip: this tells the nearest.
      _ = try registry.aliases(of: name)
    }
    let console = session.console
    if console.json { return console.result(.array(lines.map(\.json))) }
    var table = Table([
      .init("WHEN"), .init("ACTION"), .init("SUBJECT"), .init("DETAIL"), .init("BY"),
    ])
    for line in lines {
      let isDigest = line.detail.count == 64
      table.add([
        humanAge(line.at), line.action, line.subject,
        isDigest ? String(line.detail.prefix(12)) : line.detail, line.actor,
      ])
    }
    session.tell(table)
  }
}
