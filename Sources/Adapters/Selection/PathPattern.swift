/// A regular expression over module paths: Python's `re` without memory of what matched.
///
/// PEFT's selections only ask whether a pattern matches, never what a group held. So matching keeps the set of
/// positions that are reachable, and takes time polynomial in the path's length where a backtracking engine
/// would take exponential time for `(a+)+$`. Back references, atomic groups and possessive quantifiers, which
/// sets cannot tell apart, are refused by name.
package struct PathPattern: Sendable {
  indirect enum Node: Sendable {
    case scalar(ScalarClass)
    case sequence([Node])
    case alternatives([Node])
    case repeated(Node, atLeast: Int, atMost: Int?)
    case anchor(Anchor)
    case look(Node, behind: Bool, negative: Bool)
  }

  enum Anchor: Sendable {
    case start
    case end  // or before a final newline, as Python has it
    case absoluteEnd
    case wordBoundary
    case notWordBoundary
  }

  /// The text it was made from.
  let source: String
  let root: Node

  /// Whether the pattern matches all of `path` (`re.fullmatch`).
  ///
  /// - Parameter budget: Steps that matching may still take; what it took is subtracted.
  package func matches(_ path: String, budget: inout Int) throws(AdapterError) -> Bool {
    var matcher = Matcher(scalars: Array(path.unicodeScalars), steps: budget)
    guard matcher.scalars.count <= PathPattern.longestPath else {
      throw AdapterError(
        .badPattern, "a module path of \(matcher.scalars.count) characters is too long to match")
    }
    let ends = matcher.ends(of: root, from: [0])
    budget = matcher.steps
    guard matcher.steps > 0 else {
      throw AdapterError(
        .badPattern, "the pattern '\(shortened(source))' is too costly to match; make it simpler")
    }
    return ends.last == matcher.scalars.count
  }

  /// Steps that one selection may take: about a second, where patterns in use need a few thousand steps a layer.
  package static let stepsPerSelection = 50_000_000
  static let longestPath = 1024
  static let longestSource = 65_536
  static let deepestNesting = 64
}

extension PathPattern {
  /// Follows the set of reachable positions through a pattern.
  struct Matcher {
    let scalars: [Unicode.Scalar]
    var steps: Int

    /// Where matches of `node` that begin at any of `starts` may end; ascending, each once.
    mutating func ends(of node: Node, from starts: [Int]) -> [Int] {
      steps -= 1 + starts.count
      guard steps > 0, !starts.isEmpty else { return [] }
      switch node {
      case .scalar(let wanted):
        return starts.compactMap {
          $0 < scalars.count && wanted.contains(scalars[$0]) ? $0 + 1 : nil
        }
      case .sequence(let parts):
        var reached = starts
        for part in parts where !reached.isEmpty { reached = ends(of: part, from: reached) }
        return reached
      case .alternatives(let choices):
        var reached: Set<Int> = []
        for choice in choices { reached.formUnion(ends(of: choice, from: starts)) }
        return reached.sorted()
      case .repeated(let part, let atLeast, let atMost):
        return ends(ofRepeated: part, atLeast: atLeast, atMost: atMost, from: starts)
      case .anchor(let anchor):
        return starts.filter { holds(anchor, at: $0) }
      case .look(let part, let behind, let negative):
        return starts.filter { look(part, behind: behind, at: $0) != negative }
      }
    }

    private mutating func ends(
      ofRepeated part: Node, atLeast: Int, atMost: Int?, from starts: [Int]
    ) -> [Int] {
      var frontier = starts
      for _ in 0..<atLeast {
        let next = ends(of: part, from: frontier)
        if next == frontier { break }  // nothing moves any more: every further round is the same
        frontier = next
      }
      var reached = Set(frontier)
      var rounds = atMost.map { $0 - atLeast } ?? .max
      while rounds > 0, !frontier.isEmpty {
        frontier = ends(of: part, from: frontier).filter { reached.insert($0).inserted }
        rounds -= 1
      }
      return reached.sorted()
    }

    private mutating func look(_ part: Node, behind: Bool, at position: Int) -> Bool {
      guard behind else { return !ends(of: part, from: [position]).isEmpty }
      for start in 0...position where ends(of: part, from: [start]).contains(position) {
        return true
      }
      return false
    }

    private func holds(_ anchor: Anchor, at position: Int) -> Bool {
      switch anchor {
      case .start: position == 0
      case .absoluteEnd: position == scalars.count
      case .end:
        position == scalars.count || (position == scalars.count - 1 && scalars[position] == "\n")
      case .wordBoundary: isBoundary(position)
      case .notWordBoundary: !isBoundary(position)
      }
    }

    private func isBoundary(_ position: Int) -> Bool {
      let before = position > 0 && ScalarClass.isWord(scalars[position - 1])
      let after = position < scalars.count && ScalarClass.isWord(scalars[position])
      return before != after
    }
  }
}

/// `text`, cut where it is too long for a message.
func shortened(_ text: String) -> String {
  text.unicodeScalars.count <= 120 ? text : String(text.prefix(100)) + "..."
}
