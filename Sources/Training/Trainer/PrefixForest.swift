package import Tokenizers

/// Sequences cut into pieces where they part, so that what several have in common from the start is one piece.
///
/// It depends on the tokens and their order alone.
package struct PrefixForest {
  /// Tokens that one or several sequences have at the same positions, after the same pieces.
  package struct Piece: Equatable {
    /// Equal for what is in common, and only then.
    package let id: Int
    /// The tokens' positions.
    package let positions: Range<Int>
  }

  /// Tokens that sequences must have in common, after what they share already, to share them too. On the demo's
  /// recipes anything from 1 to 16 takes the same time: less spares few rows and costs segments.
  static let leastShared = 8

  /// For each sequence its pieces, which are all of its tokens in their order.
  package private(set) var pieces: [[Piece]]
  /// Indices of the sequences: as given, but that those which have more in common stand together.
  package private(set) var order: [Int] = []
  private let sequences: [ArraySlice<Token>]
  private var nextID = 0

  /// Cuts `sequences`; each is one piece where nothing is to be shared.
  package init(_ sequences: [ArraySlice<Token>], shares: Bool) {
    self.sequences = sequences
    pieces = sequences.map { _ in [] }
    cut(shares ? families(of: Array(sequences.indices), from: 0) : sequences.indices.map { [$0] })
  }

  /// Gives each of `families`, whose members begin alike, a piece up to where they part, then goes on with what is
  /// alike from there. A list takes the place of recursion, which rows that each go on from the last would take deep.
  private mutating func cut(_ families: [[Int]]) {
    var pending = families.reversed().map { (family: $0, depth: 0) }
    while let (family, depth) = pending.popLast() {
      let first = sequences[family[0]].dropFirst(depth)
      let end =
        depth
        + family.dropFirst().reduce(first.count) {
          commonCount(first, sequences[$1].dropFirst(depth), atMost: $0)
        }
      if depth < end {
        for member in family { pieces[member].append(Piece(id: nextID, positions: depth..<end)) }
        nextID += 1
      }
      if family.count == 1 {
        order.append(family[0])
      } else {
        pending += self.families(of: family, from: end).reversed().map { ($0, end) }
      }
    }
  }

  /// Parts `members`, which have their first `depth` tokens in common, into those that go on alike.
  private func families(of members: [Int], from depth: Int) -> [[Int]] {
    var families: [[Int]] = []
    var places: [ArraySlice<Token>: Int] = [:]
    for member in members {
      let next = sequences[member].dropFirst(depth).prefix(Self.leastShared)
      if next.count == Self.leastShared, let place = places[next] {
        families[place].append(member)
      } else {
        places[next] = families.count
        families.append([member])
      }
    }
    return families
  }
}

/// How many tokens two sequences have in common from the start.
private func commonCount(_ a: ArraySlice<Token>, _ b: ArraySlice<Token>, atMost limit: Int) -> Int {
  zip(a, b).prefix(limit).prefix { $0 == $1 }.count
}
