import Foundation
import Testing
import Tokenizers

@Suite("Chat templates: hostile ones are stopped")
struct ChatTemplateLimitTests {
  private static func nested(_ count: Int, _ open: String, _ close: String) -> String {
    String(repeating: open, count: count) + String(repeating: close, count: count)
  }

  private static func repeated(_ body: String) -> String {
    "{% for i in range(99999) %}{% for j in range(99999) %}" + body + "{% endfor %}{% endfor %}"
  }

  /// What goes through all of a text or list, over and over: `big` has a million letters, `many` a
  /// hundred thousand items, `keyed` as many keys.
  static let expressions = [
    "big in ''", "''.find(big)", "''.rindex('', 0) + ''.count(big)", "''.strip(big)",
    "''.partition(big)", "''.removeprefix(big)", "''.split(big)", "'a'.replace(big, '')",
    "big.startswith((big ~ 'y',) * 99999)", "big.endswith(('y' ~ big,) * 99999)", "'' | trim(big)",
    "'a' | replace(big, 'b')", "'a' | indent(10**6)", "none[big]", "[][big]", "big is filter",
    "big is test", "[big] | sort", "[big] | min", "[big] | unique | list", "many | sum",
    "many | min", "[none] | map(attribute=big) | list", "keyed.items() | first",
    "keyed | items | first", "strftime_now('%c' * 10**5)", "'%.4096g' * 10**5 % ((0.1,) * 10**5)",
  ]

  @Test("what goes through much, over and over, is stopped", arguments: expressions)
  func counted(expression: String) throws {
    var limits = TemplateLimits()
    limits.steps /= 10
    let source =
      "{% set big = 'x' * 10**6 %}{% set many = range(99999) | list %}"
      + "{% set keyed = dict.fromkeys(many) %}" + Self.repeated("{% set y = \(expression) %}")
    let error = try #require(throws: TemplateError.self) {
      try ChatTemplate(source, limits: limits).render(context: [:])
    }
    #expect(error.code == .limit)
  }

  @Test("keys that differ only in how their letters are composed are not all compared")
  func composedKeys() throws {
    let source =
      "{% set n = namespace(x=['']) %}{% for i in range(16) %}"
      + "{% set n.x = ((n.x | join('\u{e9},')) ~ '\u{e9},' ~ (n.x | join('e\u{301},'))"
      + " ~ 'e\u{301}').split(',') %}{% endfor %}{{ n.x | unique(true) | list | length }}"
    #expect(try ChatTemplate(source).render(context: [:]) == "65536")
  }

  @Test("a call may name a hundred thousand arguments")
  func arguments() throws {
    let list = (0..<100_000).map { "a\($0)=1" }.joined(separator: ",")
    let template = try ChatTemplate("{{ dict(\(list)) | length }}")
    #expect(try template.render(context: [:]) == "100000")
  }

  /// Templates that would overflow the stack, use all memory, or not end.
  static let hostile: [(about: String, source: String)] = [
    ("parentheses", "{{ " + nested(100_000, "(", ")") + " }}"),
    ("lists", "{{ " + nested(100_000, "[", "]") + " }}"),
    ("dictionaries", "{{ " + nested(50_000, "{1:", "}") + " }}"),
    ("minus signs", "{{ " + String(repeating: "-", count: 100_000) + "1 }}"),
    ("not", "{{ " + String(repeating: "not ", count: 100_000) + "1 }}"),
    ("sums", "{{ 1" + String(repeating: "+1", count: 100_000) + " }}"),
    ("conditions", "{{ 1" + String(repeating: " if 1 else 1", count: 100_000) + " }}"),
    ("filters", "{{ 1" + String(repeating: "|string", count: 100_000) + " }}"),
    ("attributes", "{{ a" + String(repeating: ".a", count: 100_000) + " }}"),
    ("calls", "{{ a" + String(repeating: "()", count: 100_000) + " }}"),
    ("tests", "{{ " + String(repeating: "1 is eq ", count: 100_000) + "1 }}"),
    ("blocks", nested(100_000, "{% if 1 %}", "{% endif %}")),
    ("targets", "{% for " + nested(100_000, "(", ")") + " in x %}{% endfor %}"),
    ("recursion", "{% macro m() %}{{ m() }}{% endmacro %}{{ m() }}"),
    (
      "recursion in a call block",
      "{% macro m() %}{% call m() %}{% endcall %}{{ caller() }}{% endmacro %}{{ m() }}"
    ),
    ("a large range", "{% for i in range(10**12) %}x{% endfor %}"),
    (
      "nested loops",
      "{% for i in range(99999) %}{% for j in range(99999) %}{% endfor %}{% endfor %}"
    ),
    ("a loop in a filter", "{% for i in range(99999) %}{{ range(99999) | sum }}{% endfor %}"),
    ("a repeated string", "{{ 'x' * 10**15 }}"),
    ("a repeated list", "{{ [0] * 10**15 }}"),
    (
      "a large string over and over",
      "{% for i in range(9999) %}{% set x = 'x' * 10**7 %}{% endfor %}"
    ),
    (
      "doubling",
      "{% set n = namespace(x='x') %}{% for i in range(99) %}{% set n.x = n.x ~ n.x %}{% endfor %}"
    ),
    (
      "a tower of shared lists",
      "{% set n = namespace(x=[1]) %}{% for i in range(99) %}{% set n.x = [n.x, n.x] %}{% endfor %}"
        + "{{ n.x }}"
    ),
    (
      "comparing towers",
      "{% set n = namespace(x=[1], y=[1]) %}{% for i in range(99) %}{% set n.x = [n.x, n.x] %}"
        + "{% set n.y = [n.y, n.y] %}{% endfor %}{{ n.x == n.y }}"
    ),
    (
      "telling towers as JSON",
      "{% set n = namespace(x=[1]) %}{% for i in range(99) %}{% set n.x = [n.x, n.x] %}{% endfor %}"
        + "{{ n.x | tojson(indent=1000) }}"
    ),
    (
      "deep values",
      "{% set n = namespace(x=1) %}{% for i in range(99999) %}{% set n.x = [n.x] %}{% endfor %}"
    ),
    (
      "deep generators",
      "{% set n = namespace(x=[1]) %}{% for i in range(99999) %}{% set n.x = n.x | map('abs') %}"
        + "{% endfor %}{{ n.x | list }}"
    ),
    ("centring", "{{ 'x' | center(10**15) }}"),
    ("an indent", "{{ ('a\n' * 99999) | indent(10**9) }}"),
    ("a width", "{{ '%999999999d' % 1 }}"),
    ("a layout", "{{ '{:999999999}'.format(1) }}"),
    ("replacing nothing", "{{ ('a' * 10**6).replace('', 'b' * 10**6) }}"),
    ("joining", "{{ range(99999) | join('x' * 10**6) }}"),
    ("names", "{{ " + String(repeating: "a", count: 100_000) + " }}"),
    (
      "statements that do nothing",
      repeated(String(repeating: "{% macro m() %}{% endmacro %}", count: 20_000))
    ),
    (
      "parameters that nobody gives",
      "{% macro m(" + (0..<100_000).map { "a\($0)" }.joined(separator: ",")
        + ") %}{% endmacro %}" + repeated("{% set y = m() %}")
    ),
    (
      "names for what a list holds",
      "{% set x = range(50000) | list %}"
        + repeated("{% set " + (0..<50_000).map { "a\($0)" }.joined(separator: ",") + " = x %}")
    ),
    (
      "a path of many parts", "{{ range(99999) | map(attribute='.' * 10**6, default=1) | list }}"
    ),
    (
      "fields of many names",
      "{% set d = dict.fromkeys(range(300) | map('string') | map('replace', '', 'a') | list) %}"
        + "{{ ('{a9a}' * 10**6).format(**d) }}"
    ),
    ("powers", "{{ 10 ** 1000000000000 }}"),
    ("the least integer negated", "{{ -(-9223372036854775807 - 1) }}"),
    ("the least integer divided", "{{ (-9223372036854775807 - 1) // -1 }}"),
    ("the least integer's size", "{{ (-9223372036854775807 - 1) | abs }}"),
    ("a float beyond integers", "{{ 1e300 | int }}"),
  ]

  @Test(
    "a template that overflows the stack, fills memory or does not end is an error",
    arguments: hostile)
  func stopped(about: String, source: String) throws {
    // The defaults stop the same ones, only later.
    var limits = TemplateLimits()
    limits.steps /= 10
    let error = try #require(throws: TemplateError.self, "\(about)") {
      try ChatTemplate(source, limits: limits).render(context: [:])
    }
    #expect(error.code != .raised)
  }

  @Test("extreme numbers are handled without a trap")
  func extremes() throws {
    let least = "(-9223372036854775807 - 1)"
    let sources: [(String, String)] = [
      ("{{ '' * 9000000000000000000 }}{{ [] * 9000000000000000000 }}", "[]"),
      ("{{ \(least) % -1 }}", "0"),
      ("{{ 'abc'[\(least):9223372036854775807] }}", "abc"),
      ("{{ 'abc'[::\(least)] }}{{ 'abc'[::9223372036854775807] }}", "ca"),
      ("{{ [1, 2][\(least)] is defined }}", "False"),
      ("{{ range(9223372036854775800, 9223372036854775807, 5) | list | length }}", "2"),
      ("{{ range(\(least), \(least) + 2) | list | length }}", "2"),
      ("{{ 5 in range(\(least), \(least) + 2, 1) }}", "False"),
      ("{{ range(9223372036854775806, 9223372036854775807, 5)[0:1] | length }}", "1"),
      ("{{ 'abc'.find('c', \(least)) }}", "2"),
      ("{{ 'abc' | replace('a', 'b', \(least)) }}", "bbc"),
      ("{{ \(least) == -9223372036854775808.0 }}", "True"),
      ("{{ 9223372036854775807 < 9223372036854775808.0 }}", "True"),
      ("{{ 9007199254740993 == 9007199254740992.0 }}", "False"),
    ]
    for (source, expected) in sources {
      #expect(try ChatTemplate(source).render(context: [:]) == expected, "\(source)")
    }
  }

  /// Templates as deep as they may be, and what they give; nil where that is an error.
  static let deep: [(about: String, source: String, output: String?)] = [
    ("parentheses", "{{ " + nested(79, "(", ")") + " }}", "()"),
    (
      "sums",
      "{{ " + String(repeating: "(1 + ", count: 75) + "1" + String(repeating: ")", count: 75)
        + " }}", "76"
    ),
    ("lists", "{{ " + nested(75, "[", "]") + " | length }}", "1"),
    ("chains", "{{ 1" + String(repeating: " + 1", count: 150) + " }}", "151"),
    ("blocks", nested(75, "{% for i in [1] %}", "{% endfor %}"), ""),
    (
      "recursion that ends",
      "{% macro m(n) %}{% if n %}{% for i in [1] %}{{ m(n - 1) }}{% endfor %}{% else %}x{% endif %}"
        + "{% endmacro %}{{ m(30) }}", "x"
    ),
    ("recursion", "{% macro m() %}{{ m() }}{% endmacro %}{{ m() }}", nil),
    (
      "recursion in a call block",
      "{% macro m() %}{% call m() %}{% endcall %}{% endmacro %}{{ m() }}", nil
    ),
    (
      "recursion through everything",
      "{% macro m() %}{% set x %}{% filter upper %}{{ [1] | map('default', m()) | list }}"
        + "{% endfilter %}{% endset %}{% endmacro %}{{ m() }}", nil
    ),
    (
      "generators",
      "{% set n = namespace(x=[1]) %}{% for i in range(190) %}{% set n.x = n.x | map('abs') %}"
        + "{% endfor %}{{ n.x | list }}", "[1]"
    ),
    (
      "values",
      "{% set n = namespace(x=1) %}{% for i in range(199) %}{% set n.x = [n.x] %}{% endfor %}"
        + "{{ n.x | tojson | length }}", "399"
    ),
  ]

  @Test(
    "the deepest templates run, or are stopped, within half a megabyte of stack", arguments: deep)
  func smallStack(about: String, source: String, output: String?) async throws {
    let outcome = await withCheckedContinuation { continuation in
      let thread = Thread {
        continuation.resume(returning: try? ChatTemplate(source).render(context: [:]))
      }
      thread.stackSize = 1 << 19
      thread.start()
    }
    #expect(outcome == output, "\(about)")
  }

  @Test("limits of source and output are kept")
  func limits() throws {
    var limits = TemplateLimits()
    limits.sourceBytes = 10
    let long = try #require(throws: TemplateError.self) {
      try ChatTemplate("12345678901", limits: limits)
    }
    #expect(long.code == .limit)
    limits.outputBytes = 100
    limits.sourceBytes = 1000
    let template = try ChatTemplate("{% for i in range(n) %}x{% endfor %}", limits: limits)
    #expect(try template.render(context: ["n": 100]).utf8.count == 100)
    #expect(throws: TemplateError.self) { try template.render(context: ["n": 101]) }
    limits.steps = 50
    let short = try ChatTemplate("{% for i in range(n) %}{% endfor %}", limits: limits)
    #expect(throws: TemplateError.self) { try short.render(context: ["n": 60]) }
  }

  @Test("values from outside that nest too deep are refused")
  func deepValues() throws {
    var value: TemplateValue = 1
    for _ in 0..<300 { value = [value] }
    let template = try ChatTemplate("{{ x }}")
    let error = try #require(throws: TemplateError.self) {
      try template.render(context: ["x": value])
    }
    #expect(error.code == .limit)
  }
}
