import Registry
import Testing

@Suite("References and names")
struct ReferenceTests {
  @Test(
    "a reference is read as it is written",
    arguments: [
      ("base", Reference.base),
      ("a", .adapter(name: "a", .preferred)),
      ("acme/support", .adapter(name: "acme/support", .preferred)),
      ("0-a.b_c/x", .adapter(name: "0-a.b_c/x", .preferred)),
      ("acme/support@3", .adapter(name: "acme/support", .version(3))),
      ("acme/support:production", .adapter(name: "acme/support", .alias("production"))),
      ("a:latest", .adapter(name: "a", .latest)),
      ("a@latest", .adapter(name: "a", .latest)),
      ("a:3", .adapter(name: "a", .alias("3"))),
    ])
  func wellFormed(text: String, expected: Reference) throws {
    #expect(try Reference(text) == expected)
    #expect(try Reference(expected.description) == expected)
  }

  @Test(
    "anything else is refused, with the text in the message",
    arguments: [
      "", "A", "-a", ".a", "a/", "/a", "a/b/c", "a b", "é", "a@", "a@0", "a@-1", "a@x", "a@+1",
      "a@99999999999999999999", "a:", "a:B", "a:b/c", "a:b:c", "a@1:b", "@1", ":x", "base@1",
      "base:x", "a\n", "../a", String(repeating: "a", count: 201),
    ])
  func malformed(text: String) throws {
    let error = failure { _ = try Reference(text) }
    #expect(error?.code == .badArgument)
    #expect(error?.message.contains("\n") == false)
    #expect((error?.message.utf8.count ?? 999) < 400)
  }

  @Test("'latest' is no alias and 'base' no adapter")
  func reservedWords() throws {
    #expect(failure { _ = try Reference.checkedAlias("latest") }?.code == .badArgument)
    #expect(failure { _ = try Reference.checkedName("base") }?.code == .badArgument)
  }

  @Test(
    "the edit distance counts inserts, deletes, replacements and swaps",
    arguments: [
      ("", "", 0), ("", "abc", 3), ("abc", "", 3), ("abc", "abc", 0), ("abc", "abd", 1),
      ("abc", "acb", 1), ("kitten", "sitting", 3), ("ca", "abc", 3), ("rank", "rnak", 1),
    ])
  func distance(a: String, b: String, expected: Int) {
    #expect(editDistance(a, b) == expected)
    #expect(editDistance(b, a) == expected)
  }

  @Test("the nearest names come first, and far ones not at all")
  func nearest() {
    let names = ["acme/support", "acme/sport", "globex/support", "weather"]
    #expect(nearestNames(to: "acme/suport", among: names) == ["acme/sport", "acme/support"])
    #expect(nearestNames(to: "support", among: names) == ["acme/support", "globex/support"])
    #expect(nearestNames(to: "zzz", among: names).isEmpty)
    #expect(
      didYouMean("acme/supportt", among: names)
        == "; did you mean 'acme/support' or 'acme/sport'?")
    #expect(didYouMean("qqqq", among: names) == "")
  }

  @Test("what is left early is never among the nearest", arguments: 0..<40)
  func shortcuts(seed: Int) {
    var state = UInt64(seed) &* 0x9E37_79B9_7F4A_7C15 &+ 1
    func random(_ count: Int) -> Int {
      state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
      return Int(state >> 33) % count
    }
    func word() -> String {
      String((0..<(1 + random(9))).map { _ in Array("abcÄéxyzAB/-0")[random(13)] })
    }
    let names = Set((0..<300).map { _ in word() })
    let wanted = word()
    // By the definition, without shortcuts.
    let bound = max(1, wanted.lowercased().unicodeScalars.count / 3)
    let expected = names.compactMap { name -> (Int, String)? in
      let folded = name.lowercased()
      if folded.hasSuffix("/" + wanted.lowercased()) { return (0, name) }
      let distance = editDistance(wanted.lowercased(), folded)
      return distance <= bound ? (distance, name) : nil
    }.sorted { $0 < $1 }.prefix(3).map(\.1)
    #expect(nearestNames(to: wanted, among: names) == expected, "'\(wanted)'")
  }
}
