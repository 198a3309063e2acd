/// A text with columns' names in braces where their values go: `"Review: {text}"`.
///
/// `{{` and `}}` stand for braces.
struct ColumnTemplate: Equatable {
  enum Piece: Equatable {
    case text(String)
    case column(String)
  }

  let pieces: [Piece]

  /// The columns in order of use.
  var columns: [String] {
    pieces.compactMap { if case .column(let name) = $0 { name } else { nil } }
  }

  init(_ source: String) throws(RowShape.Problem) {
    var pieces: [Piece] = []
    var text = ""
    var rest = Substring(source)
    while let character = rest.popFirst() {
      switch character {
      case "{" where rest.first == "{", "}" where rest.first == "}":
        text.append(rest.removeFirst())
      case "{":
        guard let end = rest.firstIndex(of: "}"), end > rest.startIndex else {
          throw RowShape.Problem(
            message: "the template '\(source)' has a '{' without a column's name and a '}';"
              + " write '{{' for a brace")
        }
        if !text.isEmpty { pieces.append(.text(text)) }
        text = ""
        pieces.append(.column(String(rest[..<end])))
        rest = rest[rest.index(after: end)...]
      case "}":
        throw RowShape.Problem(
          message: "the template '\(source)' has a '}' without a '{'; write '}}' for a brace")
      default: text.append(character)
      }
    }
    if !text.isEmpty { pieces.append(.text(text)) }
    self.pieces = pieces
  }

  /// The text with each column's value in its place.
  func filled(
    _ value: (String) throws(RowShape.Problem) -> String
  ) throws(RowShape.Problem) -> String {
    var text = ""
    for piece in pieces {
      switch piece {
      case .text(let literal): text += literal
      case .column(let name): text += try value(name)
      }
    }
    return text
  }
}
