import Adapters
import JSON
import Testing

@Suite("Path patterns")
struct PathPatternTests {
  @Test("1,500 patterns match, and are refused, as by Python's re")
  func pythonGoldens() throws {
    let goldens = try Goldens.json("patterns.json").arrayValue ?? []
    #expect(goldens.count > 1500)
    for golden in goldens {
      guard let pair = golden.arrayValue, let source = pair[0].stringValue else {
        Issue.record("a golden of another shape")
        return
      }
      guard let cases = pair[1].arrayValue else {
        #expect(throws: AdapterError.self, "\(source)") { try PathPattern(source) }
        continue
      }
      do {
        let pattern = try PathPattern(source)
        for path in cases {
          guard let text = path.arrayValue?[0].stringValue else { continue }
          var budget = PathPattern.stepsPerSelection
          let matches = try pattern.matches(text, budget: &budget)
          #expect(matches == path.arrayValue?[1].boolValue, "'\(source)' on '\(text)'")
        }
      } catch { Issue.record("'\(source)': \(error)") }
    }
  }

  @Test("a pattern that makes a backtracking engine hang is answered at once")
  func noHang() throws {
    let pattern = try PathPattern("(((a+)+)+)+b")
    var budget = 1_000_000
    #expect(try !pattern.matches(String(repeating: "a", count: 200), budget: &budget))
  }

  @Test("a pattern that is too costly all the same is refused")
  func bounded() throws {
    let pattern = try PathPattern("((((.?){60000}){60000}b?){60000}c?){60000}")
    var budget = 10_000
    let error = #expect(throws: AdapterError.self) {
      try pattern.matches(String(repeating: "bac", count: 200), budget: &budget)
    }
    #expect(error?.message.contains("too costly") == true)
  }

  @Test(
    "what sets of positions cannot tell apart is refused by name",
    arguments: [
      (#"(a)\1"#, "a back reference"), ("(?P<n>a)(?P=n)", "a back reference"),
      ("(?>a)", "an atomic group"), ("a++", "a possessive quantifier"),
      ("(a)?(?(1)b|c)", "a conditional group"), ("(?x) a", "the flag 'x'"),
    ])
  func refusedByName(source: String, name: String) throws {
    let error = #expect(throws: AdapterError.self) { try PathPattern(source) }
    #expect(error?.message.contains("uses \(name)") == true)
  }

  @Test("thousands of nested groups are an error, not a crash")
  func deep() {
    let deep = String(repeating: "(", count: 30_000) + String(repeating: ")", count: 30_000)
    #expect(throws: AdapterError.self) { try PathPattern(deep) }
  }
}
