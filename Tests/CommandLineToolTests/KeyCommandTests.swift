import CommandLineTool
import Foundation
import JSON
import Registry
import Testing

@Suite("The commands for keys") struct KeyCommandTests {
  @Test("a key is made, shown once, listed without its secret, revoked, and its story told")
  func life() throws {
    let home = try ScratchHome()
    #expect(home.run("key", "list").error.contains("lorikeet key add NAME"))
    #expect(home.run("key", "list", "--json").output == "[]\n")
    let made = home.run(
      "key", "add", "acme", "--scope", "acme/*", "--scope", "base", "--rate", "600/min", "--tokens",
      "1000000/day")
    #expect(made.code == .done)
    // The output is the secret and nothing else, for a script to take.
    let secret = made.output.trimmingCharacters(in: .newlines)
    #expect(made.output == secret + "\n" && secret.hasPrefix("lrk-") && secret.utf8.count == 56)
    let id = String(secret.dropFirst(4).prefix(8))
    #expect(
      made.error == """
        key 'acme' (\(id)) opens acme/* base, 600 requests a minute, 1,000,000 tokens a day
        This is the secret. It is not shown again: keep it now.
          export OPENAI_API_KEY=lrk-\(id)-...

        """)
    let registry = try Registry(path: home.folder.appendingPathComponent("registry.sqlite").path)
    let key = try #require(try registry.authenticate(secret))
    #expect(key.scopes == ["acme/*", "base"] && !key.isAdmin)
    #expect(key.ratePerMinute == 600 && key.tokensPerDay == 1_000_000)

    let quiet = home.run("key", "add", "ops", "--admin", "--quiet")
    #expect(quiet.error.isEmpty && quiet.output.hasPrefix("lrk-"))
    let json = try JSONValue(parsing: home.run("key", "add", "third", "--json").output)
    let third = try #require(json["secret"]?.stringValue)
    #expect(try registry.authenticate(third)?.name == "third")
    #expect(json["scopes"] == ["*"] && json["admin"] == false && json["ratePerMinute"] == .null)

    let list = home.run("key", "list").output
    let all = try JSONValue(parsing: home.run("key", "list", "--json").output)
    #expect(list.contains("acme/* base") && list.contains("600") && list.contains("1,000,000"))
    #expect(all.arrayValue?.map { $0["name"] } == ["acme", "ops", "third"])
    #expect(all.arrayValue?.map { $0["admin"] } == [false, true, false])
    #expect(all.arrayValue?.allSatisfy { $0["secret"] == nil } == true)
    for text in [list, all.text()] { #expect(!text.contains(secret.suffix(43))) }

    #expect(
      home.run("key", "revoke", "acme").output == "key 'acme' (\(id)) opens nothing any more\n")
    #expect(try registry.authenticate(secret) == nil)
    #expect(home.run("key", "list").output.contains("just now"))
    let story = try JSONValue(parsing: home.run("history", "key:acme", "--json").output)
    #expect(story.arrayValue?.map { $0["action"] } == ["key-revoke", "key-add"])
    #expect(home.run("history", "key:acme").output.contains("\(id) acme/* base"))
    #expect(!story.text().contains(secret.suffix(43)))
  }

  @Test("a key whose secret cannot be written opens nothing", arguments: [[], ["--json"]])
  func lostSecret(options: [String]) throws {
    let home = try ScratchHome()
    let run = home.run(["key", "add", "acme"] + options, losesOutput: true)
    #expect(run.code == .data && run.error.contains("is revoked again"))
    let keys = try JSONValue(parsing: home.run("key", "list", "--json").output)
    #expect(keys.arrayValue?.count == 1 && keys.arrayValue?.first?["revoked"]?.stringValue != nil)
  }

  @Test("an admin's key says what it may change")
  func adminRights() throws {
    for (scopes, words) in [
      ([], "*, and may change the whole registry"),
      (["--scope", "acme/*"], "acme/*, and may change these and no others in the registry"),
    ] {
      let home = try ScratchHome()
      let admin = Recording(
        ["key", "add", "boss", "--admin"] + scopes,
        environment: ["LORIKEET_HOME": home.folder.path])
      #expect(admin.error.contains(") opens \(words)\n"), "\(admin.error)")
    }
  }

  @Test(
    "what is wrong is one line and an exit code",
    arguments: [
      (["key", "add"], ExitCode.usage, "NAME is missing"),
      (
        ["key", "add", "x", "--rate", "0"], .usage, "--rate takes a number such as 600/min, not '0'"
      ),
      (["key", "add", "x", "--rate", "5/day"], .usage, "not '5/day'"),
      (["key", "add", "x", "--rate", "-3/min"], .usage, "not '-3/min'"),
      (["key", "add", "x", "--tokens", "99999999999999999999/day"], .usage, "--tokens takes"),
      (["key", "add", "x", "--tokens", "9999999999999"], .data, "tokens a day, not 9999999999999"),
      (["key", "add", "x", "--scope", "acme*"], .data, "'acme*' is not a scope"),
      (["key", "add", "A b"], .data, "'A b' is not a name"),
      (["key", "revoke", "x"], .data, "no key 'x'"),
      (["key", "revok", "x"], .usage, "did you mean 'revoke'?"),
      (["history", "key:x"], .data, "there never was a key 'x'"),
    ])
  func complaints(arguments: [String], code: ExitCode, part: String) throws {
    let home = try ScratchHome()
    let run = Recording(arguments, environment: ["LORIKEET_HOME": home.folder.path])
    #expect(run.code == code && run.output.isEmpty)
    #expect(run.error.hasPrefix("lorikeet: ") && run.error.contains(part), "\(run.error)")
    #expect(run.error.filter { $0 == "\n" }.count == 1, "\(run.error)")
    let registry = try Registry(path: home.folder.appendingPathComponent("registry.sqlite").path)
    #expect(try registry.keys().isEmpty)
  }
}
