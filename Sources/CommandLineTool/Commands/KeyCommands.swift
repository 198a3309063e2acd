import Foundation
import JSON
import Lorikeet
import Registry

extension Tool {
  static let keyAdd = Command(
    CommandSpec(
      "key add", group: "Keys", summary: "make a key for a client of the server",
      details: [
        "The secret goes to the output, once: the registry keeps its SHA-256 only. A scope is '*' "
          + "(every adapter, and the base), 'acme/*' (a namespace), a name, or 'base' (the base "
          + "without an adapter); without one it is '*'. With --admin it may change what it opens, by "
          + "the server's /admin routes, and sees nothing else there."
      ],
      positionals: [PositionalSpec("NAME", help: "what to call it: who will hold it")],
      options: [
        OptionSpec("scope", "PATTERN", repeats: true, help: "adapters that it opens (default: *)"),
        OptionSpec("admin", help: "it may also change what it opens"),
        OptionSpec("rate", "N/min", help: "requests a minute (default: no limit)"),
        OptionSpec(
          "tokens", "N/day",
          help: "tokens a day, after which no request is taken (default: no limit)"),
      ],
      examples: [
        ExampleSpec("lorikeet key add acme --scope 'acme/*' --rate 600/min", "for one customer"),
        ExampleSpec("lorikeet key add ops --admin --quiet", "the secret and nothing else"),
        ExampleSpec("lorikeet key add acme-ops --admin --scope 'acme/*'", "who runs a namespace"),
      ])
  ) { session in
    let scopes = session.arguments.strings("scope")
    let registry = try session.workspace().registry
    let (record, secret) = try registry.addKey(
      NewKey(
        session.argument(0), scopes: scopes.isEmpty ? ["*"] : scopes,
        isAdmin: session.arguments.flag("admin"),
        ratePerMinute: try session.limit("rate", per: "min"),
        tokensPerDay: try session.limit("tokens", per: "day")))
    let console = session.console
    if console.json {
      var json = record.json.objectValue ?? JSONObject([])
      json["secret"] = .string(secret)
      console.result(.object(json))
    } else {
      console.note("key '\(record.name)' (\(record.id)) opens \(record.rights)")
      console.line(secret)
    }
    guard !console.hasLostOutput else {
      _ = try registry.revokeKey(record.id)
      throw WorkspaceError(
        .cannotWrite,
        "the secret could not be written; key '\(record.name)' (\(record.id)) is revoked again")
    }
    if console.json { return }
    console.note(
      """
      This is the secret. It is not shown again: keep it now.
        export OPENAI_API_KEY=lrk-\(record.id)-...
      """)
  }

  static let keyList = Command(
    CommandSpec(
      "key list", group: "Keys", summary: "list the keys, revoked ones too; never a secret",
      examples: [ExampleSpec("lorikeet key list --json", "for a script")])
  ) { session in
    let keys = try session.workspace().registry.keys()
    let console = session.console
    if console.json { return console.result(.array(keys.map(\.json))) }
    if keys.isEmpty { return console.note("no keys yet: 'lorikeet key add NAME' makes one") }
    var table = Table([
      .init("NAME"), .init("ID"), .init("SCOPES"), .init("ADMIN"),
      .init("PER MINUTE", isNumber: true),
      .init("TOKENS A DAY", isNumber: true), .init("ADDED"), .init("REVOKED"),
    ])
    for key in keys {
      table.add([
        key.name, key.id, key.scopes.joined(separator: " "), key.isAdmin ? "yes" : "-",
        key.ratePerMinute.map(grouped) ?? "-", key.tokensPerDay.map(grouped) ?? "-",
        humanAge(key.created), key.revoked.map { humanAge($0) } ?? "-",
      ])
    }
    console.table(table)
  }

  static let keyRevoke = Command(
    CommandSpec(
      "key revoke", group: "Keys", summary: "make a key open nothing any more",
      details: ["It stays in the list, and its name is free again."],
      positionals: [PositionalSpec("NAME", help: "the key, or its id")],
      examples: [ExampleSpec("lorikeet key revoke acme", "at once, and for good")])
  ) { session in
    let revoked = try session.workspace().registry.revokeKey(session.argument(0))
    session.say(
      "key '\(harmless(revoked.name, keepsLines: false))' (\(revoked.id)) opens nothing any more",
      ["revoked": .string(revoked.name), "id": .string(revoked.id)])
  }
}

extension Session {
  /// The option's value, `N` or `N/unit`.
  fileprivate func limit(_ name: String, per unit: String) throws -> Int? {
    guard let text = arguments.string(name) else { return nil }
    let number = text.hasSuffix("/\(unit)") ? String(text.dropLast(unit.count + 1)) : text
    guard number.utf8.allSatisfy({ (48...57).contains($0) }), let value = Int(number), value > 0
    else {
      throw arguments.misuse("--\(name) takes a number such as 600/\(unit), not '\(text)'")
    }
    return value
  }
}

extension KeyRecord {
  fileprivate var rights: String {
    let limits = [
      ratePerMinute.map { "\(counted($0, "request")) a minute" },
      tokensPerDay.map { "\(counted($0, "token")) a day" },
    ]
    let what = scopes == ["*"] ? "the whole registry" : "these and no others in the registry"
    let words = [scopes.joined(separator: " "), isAdmin ? "and may change \(what)" : nil]
    return (words + limits).compactMap { $0 }.joined(separator: ", ")
  }
}
