/// The names in `candidates` that need the fewest edits to become `name`, nearest first.
///
/// For messages: names are compared over their first 200 bytes, and nothing further than half of the name is told.
func nearestNames(to name: String, in candidates: [String], limit: Int = 3) -> [String] {
  let wanted = Array(name.utf8.prefix(200))
  let scored = Set(candidates).map { (distance(wanted, Array($0.utf8.prefix(200))), $0) }
  return
    scored.filter { $0.0 <= max(2, wanted.count / 2) }
    .sorted { $0 < $1 }.prefix(limit).map(\.1)
}

/// `; did you mean 'a' or 'b'?`, or nothing where no name is near.
func suggestion(for name: String, in candidates: [String]) -> String {
  let near = nearestNames(to: name, in: candidates)
  guard !near.isEmpty else { return "" }
  return "; did you mean " + near.map { "'\($0)'" }.joined(separator: " or ") + "?"
}

/// Levenshtein's distance.
private func distance(_ one: [UInt8], _ other: [UInt8]) -> Int {
  var above = Array(0...other.count)
  for (row, byte) in one.enumerated() {
    var left = row + 1
    var diagonal = row
    for column in other.indices {
      let best = min(above[column + 1] + 1, left + 1, diagonal + (byte == other[column] ? 0 : 1))
      diagonal = above[column + 1]
      above[column] = left
      left = best
    }
    above[other.count] = left
  }
  return above[other.count]
}
