import JSON
import Testing

@Suite("JSON")
struct JSONTests {
  @Test("a value keeps kinds, order and text")
  func values() throws {
    let value = try JSONValue(
      parsing: #" {"b": [1, -2.5, 1e3, true, null], "a": {"é\n\u00e9\ud83d\ude00\/": "x"}} "#)
    #expect(value.objectValue?.keys == ["b", "a"])
    #expect(value["b"] == [1, -2.5, .double(1000), true, nil])
    #expect(value["a"]?.objectValue?.keys == ["é\né😀/"])
    #expect(value.text() == "{\"b\":[1,-2.5,1000.0,true,null],\"a\":{\"é\\né😀/\":\"x\"}}")
  }

  @Test("integers are exact to the ends of 64 bits and doubles beyond")
  func integers() throws {
    let value = try JSONValue(
      parsing: "[9223372036854775807,-9223372036854775808,9223372036854775808,0,-0]")
    #expect(value == [.int(.max), .int(.min), .double(9_223_372_036_854_775_808), 0, 0])
  }

  @Test(
    "a bad text is refused with its place",
    arguments: [
      ("", JSONError.Code.unexpectedEnd, 0), ("[1,]", .unexpectedCharacter, 3),
      ("{\"a\":1,\"a\":2}", .duplicateKey, 7), ("[01]", .badNumber, 1),
      ("[1.]", .unexpectedCharacter, 3),
      ("\"\\ud800\"", .badString, 1), ("\"\\x\"", .badString, 1), ("\"a", .unexpectedEnd, 0),
      ("\"\\", .unexpectedEnd, 0), ("1 2", .trailingText, 2), ("nul", .unexpectedCharacter, 0),
      ("[1e999]", .badNumber, 1), ("{1:2}", .unexpectedCharacter, 1),
      ("NaN", .unexpectedCharacter, 0),
      ("\"\t\"", .badString, 1), ("-", .unexpectedEnd, 1), ("\"\\u12\"", .badString, 1),
    ])
  func refused(text: String, code: JSONError.Code, offset: Int) {
    let error = #expect(throws: JSONError.self) { try JSONValue(parsing: text) }
    #expect(error?.code == code)
    #expect(error?.offset == offset)
  }

  @Test("an error tells its line")
  func line() {
    let error = #expect(throws: JSONError.self) { try JSONValue(parsing: "{\n\"a\": 1,\n\"b\" 2}") }
    #expect(error?.message == "'2' where ':' should stand (line 3, byte 14)")
  }

  @Test("bytes that are not UTF-8 are refused")
  func notUTF8() {
    let error = #expect(throws: JSONError.self) {
      try JSONValue(parsing: [0x22, 0xFF, 0x22] as [UInt8])
    }
    #expect(error?.code == .badString)
  }

  @Test("depth is bounded")
  func depth() throws {
    let text = String(repeating: "[", count: 64) + String(repeating: "]", count: 64)
    _ = try JSONValue(parsing: text)
    let error = #expect(throws: JSONError.self) { try JSONValue(parsing: "[" + text + "]") }
    #expect(error?.code == .tooDeep)
  }

  @Test("canonically equal keys with other bytes are two keys", arguments: [2, 40])
  func exactKeys(count: Int) throws {
    let filler = (2..<max(count, 2)).map { "\"k\($0)\":\($0)," }.joined()
    let value = try JSONValue(parsing: "{\(filler)\"e\u{301}\":1,\"\u{e9}\":2}")
    #expect(value.objectValue?.count == count)
    #expect(value["\u{e9}"] == 2)
    #expect(value["e\u{301}"] == 1)
  }

  @Test("a long object finds, replaces and removes its members")
  func longObject() throws {
    var object = JSONObject((0..<50).map { ("k\($0)", .int($0)) })
    object["k20"] = nil
    object["k49"] = "last"
    #expect(object.count == 49)
    #expect(object["k20"] == nil)
    #expect(object["k49"] == "last")
    let twice = (0..<50).map { "\"k\($0)\":0," }.joined() + "\"k30\":1"
    #expect(throws: JSONError.self) { try JSONValue(parsing: "{\(twice)}") }
  }

  @Test("the writer gives Python's bytes")
  func python() throws {
    let value: JSONValue = [
      "r": 8, "a": [], "o": [:], "e": ["é😀\u{7f}\u{1}", 1e-05, 0.0001],
      "d": [nil, true, 1e16, 2.5e22],
    ]
    #expect(
      value.text(.pythonIndented) == """
        {
          "a": [],
          "d": [
            null,
            true,
            1e+16,
            2.5e+22
          ],
          "e": [
            "\\u00e9\\ud83d\\ude00\\u007f\\u0001",
            1e-05,
            0.0001
          ],
          "o": {},
          "r": 8
        }
        """)
    #expect(JSONValue.object(["a": 1, "b": [1, 2]]).text(.python) == "{\"a\": 1, \"b\": [1, 2]}")
  }

  @Test("what is written is read back the same")
  func roundTrip() throws {
    let value: JSONValue = ["x": [0.1, 1e300, -7, "a\"\\\u{8}"], "y": ["z": nil]]
    for style in [JSONStyle.compact, .python, .pretty, .canonical] {
      #expect(try JSONValue(parsing: value.text(style)) == value)
    }
  }

  @Test("no prefix and no flipped byte of a text makes the parser stumble")
  func hostile() throws {
    let text = Array(#"{"a":[1,-2.5e3,"x\u00e9\ud83d\ude00"],"b":{"c":null,"d":true}}"#.utf8)
    for end in 0..<text.count {
      #expect(throws: JSONError.self) { try JSONValue(parsing: text[..<end]) }
    }
    var state: UInt64 = 7
    for _ in 0..<5000 {
      var copy = text
      state = state &* 6_364_136_223_846_793_005 &+ 1  // Knuth's multiplier
      copy[Int(state >> 33) % copy.count] = UInt8(truncatingIfNeeded: state >> 24)
      _ = try? JSONValue(parsing: copy)
    }
  }
}
