extension Mutator {
  /// Puts in a piece, or moves, doubles or takes away what stands between two signs.
  mutating func damageText(_ bytes: inout [UInt8], _ pieces: [String]) {
    let words = Mutator.words(bytes)
    guard !words.isEmpty else {
      bytes += pick(pieces).utf8
      return
    }
    let word = pick(words)
    switch below(6) {
    case 0, 1: bytes.insert(contentsOf: pick(pieces).utf8, at: word.lowerBound)
    case 2: bytes.replaceSubrange(word, with: pick(pieces).utf8)
    case 3: bytes.replaceSubrange(word, with: Array(bytes[pick(words)]))
    case 4:
      let stretch = word.lowerBound..<min(bytes.count, word.upperBound + below(80))
      let copies = 1 << below(8)
      guard bytes.count + stretch.count * copies < 200_000 else { return }
      bytes.insert(
        contentsOf: repeatElement(Array(bytes[stretch]), count: copies).joined(),
        at: word.lowerBound)
    default:
      bytes.removeSubrange(word.lowerBound..<pick(words).upperBound.clamped(from: word.lowerBound))
    }
  }

  /// Runs of letters and digits, and of anything else.
  static func words(_ bytes: [UInt8]) -> [Range<Int>] {
    func isLetter(_ byte: UInt8) -> Bool {
      byte >= 128 || byte == 0x5F || (48...57).contains(byte) || (65...90).contains(byte & 0xDF)
    }
    var words: [Range<Int>] = []
    var start = 0
    for index in bytes.indices
    where index > start && isLetter(bytes[index]) != isLetter(bytes[start]) {
      words.append(start..<index)
      start = index
    }
    if start < bytes.count { words.append(start..<bytes.count) }
    return words
  }

  /// What templates choke on.
  static let templatePieces = [
    "{% for x in range(100000) %}", "{% endfor %}", "{% if true %}", "{% endif %}", "{% else %}",
    "{% for a in messages %}{% for b in messages %}{% for c in messages %}",
    "{% macro m(a) %}{{ m(a) }}{% endmacro %}{{ m(1) }}", "{% set x = [1] %}", "{% raw %}",
    "{% set ns = namespace(x='a') %}{% for i in range(99999) %}{% set ns.x = ns.x ~ ns.x %}{% endfor %}",
    "{{ 'a' * 999999999 }}", "{{ [0] * 999999999 }}", "{{ 10 ** 1000000 }}", "{{ 2 ** 63 }}",
    "{{ -9223372036854775808 // -1 }}", "{{ 9223372036854775807 + 1 }}", "{{ 1 % 0 }}",
    "{{ 1e400 }}",
    "{{ range(-9223372036854775808, 9223372036854775807, 1) }}", "{{ ''.join(messages) }}",
    "{{ messages[-9223372036854775808] }}", "{{ messages[::0] }}",
    "{{ 'abc'[::-9223372036854775808] }}",
    "{{ '%999999999d' % 1 }}", "{{ '{:999999999}'.format(1) }}", "{{ '{0.__class__}'.format(1) }}",
    "{{ 'a'.center(999999999) }}", "{{ 'ab' | replace('', 'x' * 1000) }}",
    "{{ messages | tojson }}",
    "{{ messages | tojson(indent=999999999) }}", "{{ 'a\n' | indent(999999999) }}",
    "{{ x | batch(0) | list }}",
    "{{ messages | map(attribute='a.b.c') | list }}", "{{ raise_exception('no') }}",
    "{{ strftime_now('%Y' * 10000) }}", "{%- ", " -%}", "{{", "}}", "{#", "#}", "'", "\"", "\\",
    "(((((((((((((((((((((((((((((((", "[[[[[[[[[[[[[[[[[[[[[[[[[", "not not not not not not ",
    "{% call m() %}", "{% filter upper %}", "{% include 'x' %}", "{% import 'x' as y %}",
    "loop.index",
    "| first | last | sum | sort | unique | groupby('role')", ".items()", "messages",
    "loop(messages)",
    "{% for x in messages recursive %}{{ loop(messages) }}{% endfor %}", "\u{0}", "é",
    "\u{1F1E6}\u{1F1E6}",
  ]

  /// What readers of rows choke on.
  static let rowPieces = [
    "\"", "\"\"", ",", "\t", "\n", "\r", "\r\n", "\n\n", "{", "}", "[", "]", ":", "null",
    "\u{FEFF}",
    "\u{0}", "é", "e\u{301}", "\\u0000", "\\ud800", "text", "label", "messages", "\"text\":",
    "1e999",
    String(repeating: "a", count: 70_000), String(repeating: ",", count: 5000),
    String(repeating: "[", count: 5000), "\u{2028}", "\u{85}",
  ]

  /// What patterns over module paths choke on.
  static let patternPieces = [
    "(a*)*", "(a+)+$", "(.*)*", "(.*.*)*", "{65535}", "{0,65535}", "{99999999999}", "(?:", "(?=",
    "(?<=",
    "(?!", "(?i)", "(?P<n>", "[^]", "[a-", "\\d", "\\1", "\\b", "\\", "|", "||", "^", "$", "(", ")",
    ".*",
    "[\\w-\\d]", "\\x", "\\u{110000}",
    "(((((((((((((((((((((((((((((((((((((((((((((((((((((((((((((((((",
    "*", "+?", "??", "é", "\\N{DIGIT ONE}",
  ]
}

extension Int {
  /// This, but never before `least`.
  fileprivate func clamped(from least: Int) -> Int { Swift.max(self, least) }
}
