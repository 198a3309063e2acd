/// The number of single edits (insert, delete, replace, swap of two neighbours) from `first` to `second`.
///
/// The restricted Damerau-Levenshtein distance ("optimal string alignment"), over Unicode scalars.
public func editDistance(_ first: String, _ second: String) -> Int {
  let a = Array(first.unicodeScalars)
  let b = Array(second.unicodeScalars)
  var beforeLast = [Int](repeating: 0, count: b.count + 1)
  var last = Array(0...b.count)
  for i in a.indices {
    var row = [i + 1]
    row.reserveCapacity(b.count + 1)
    for j in b.indices {
      var best = min(last[j + 1] + 1, row[j] + 1, last[j] + (a[i] == b[j] ? 0 : 1))
      if i > 0, j > 0, a[i] == b[j - 1], a[i - 1] == b[j] {
        best = min(best, beforeLast[j - 1] + 1)
      }
      row.append(best)
    }
    beforeLast = last
    last = row
  }
  return last[b.count]
}

/// The names among `candidates` that a person who typed `name` may have meant, nearest first.
///
/// Near means within one edit for each three letters, or equal to the part after the candidate's last `/`.
public func nearestNames(
  to name: String, among candidates: some Sequence<String>, limit: Int = 3
) -> [String] {
  guard !name.isEmpty, name.utf8.count <= 256 else { return [] }
  let wanted = name.lowercased()
  let length = wanted.unicodeScalars.count
  let bound = max(1, length / 3)
  var found: [(distance: Int, name: String)] = []
  for candidate in candidates where candidate.utf8.count <= 256 {
    let folded = candidate.lowercased()
    if folded.hasSuffix("/" + wanted) {
      found.append((0, candidate))
    } else if abs(folded.unicodeScalars.count - length) <= bound {
      let distance = editDistance(wanted, folded)
      if distance <= bound { found.append((distance, candidate)) }
    }
  }
  found.sort { ($0.distance, $0.name) < ($1.distance, $1.name) }
  return found.prefix(limit).map(\.name)
}

/// `"; did you mean 'a' or 'b'?"` for the names near `name`, or an empty text where there is none.
public func didYouMean(_ name: String, among candidates: some Sequence<String>) -> String {
  let near = nearestNames(to: name, among: candidates)
  guard !near.isEmpty else { return "" }
  return "; did you mean " + near.map { "'\($0)'" }.joined(separator: " or ") + "?"
}
