/// The candidate that needs the fewest edits to become `name`, or nil where none is near.
///
/// Near is at most two edits, or a third of the name.
func nearest(to name: String, in candidates: [String]) -> String? {
  let wanted = Array(name.lowercased().utf8.prefix(100))
  let scored = candidates.map { (editDistance(wanted, Array($0.lowercased().utf8)), $0) }
  guard let best = scored.min(by: { $0.0 < $1.0 }), best.0 <= max(2, wanted.count / 3) else {
    return nil
  }
  return best.1
}

/// Insertions, deletions and replacements from one to the other (Levenshtein).
private func editDistance(_ one: [UInt8], _ other: [UInt8]) -> Int {
  var row = Array(0...other.count)
  for (index, byte) in one.enumerated() {
    var diagonal = row[0]
    row[0] = index + 1
    for column in other.indices {
      let replaced = diagonal + (byte == other[column] ? 0 : 1)
      diagonal = row[column + 1]
      row[column + 1] = min(replaced, diagonal + 1, row[column] + 1)
    }
  }
  return row[other.count]
}
