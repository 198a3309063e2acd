import Tokenizers

/// Sequences cut into pieces where they part, so that what several have in common from the start is one piece.
///
/// It depends on the tokens and their order alone.
struct PrefixForest {
  /// Tokens that one or several sequences have at the same positions, after the same pieces.
  struct Piece: Equatable {
    /// Equal for what is in common, and only then.
    let id: Int
    /// The tokens' positions.
    let positions: Range<Int>
  }

  /// Tokens that sequences must have in common, after what they share already, to share them too. On the demo's
  /// recipes anything from 1 to 16 takes the same time: less spares few rows and costs segments.
  static let leastShared = 8

  /// For each sequence its pieces, which are all of its tokens in their order.
  private(set) var pieces: [[Piece]]
  /// Indices of the sequences: as given, but that those which have more in common stand together.
  private(set) var order: [Int] = []
  private let sequences: [ArraySlice<Token>]
  private var nextID = 0

  /// Cuts `sequences`; each is one piece where nothing is to be shared.
  init(_ sequences: [ArraySlice<Token>], shares: Bool) {
    self.sequences = sequences
    pieces = sequences.map { _ in [] }
    if shares {
      grow(Array(sequences.indices), from: 0)
    } else {
      for index in sequences.indices { leave([index], at: 0) }
    }
  }

  /// Cuts `members`, which have their first `depth` tokens in common, from there on.
  private mutating func grow(_ members: [Int], from depth: Int) {
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
    for family in families { leave(family, at: depth) }
  }

  /// Gives `family` a piece from `depth` to where its members part, and goes on from there.
  private mutating func leave(_ family: [Int], at depth: Int) {
    let end = family.dropFirst().reduce(sequences[family[0]].count) {
      commonCount(sequences[family[0]], sequences[$1], atMost: $0)
    }
    if depth < end {
      for member in family { pieces[member].append(Piece(id: nextID, positions: depth..<end)) }
      nextID += 1
    }
    if family.count == 1 { order.append(family[0]) } else { grow(family, from: end) }
  }
}

/// How many tokens two sequences have in common from the start.
private func commonCount(_ a: ArraySlice<Token>, _ b: ArraySlice<Token>, atMost limit: Int) -> Int {
  zip(a, b).prefix(limit).prefix { $0 == $1 }.count
}
