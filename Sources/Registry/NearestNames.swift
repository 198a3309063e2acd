/// The number of single edits (insert, delete, replace, swap of two neighbours) from `first` to `second`.
///
/// The restricted Damerau-Levenshtein distance ("optimal string alignment"), over Unicode scalars.
public func editDistance(_ first: String, _ second: String) -> Int {
  var distances = EditDistances(to: Array(second.unicodeScalars))
  return distances.distance(from: Array(first.unicodeScalars), atMost: .max) ?? .max
}

/// The edit distances of many words to one, none counted further than asked for.
private struct EditDistances {
  private let wanted: [Unicode.Scalar]
  /// Rows of the table of distances: the one before the last, the last, and the one being written.
  private var rows: [[Int]]

  init(to wanted: [Unicode.Scalar]) {
    self.wanted = wanted
    rows = [[Int]](repeating: [Int](repeating: 0, count: wanted.count + 1), count: 3)
  }

  /// The distance from `word`, or nil where it is more than `bound`.
  mutating func distance(from word: [Unicode.Scalar], atMost bound: Int) -> Int? {
    guard abs(word.count - wanted.count) <= bound else { return nil }
    for j in 0...wanted.count { rows[1][j] = j }
    for i in word.indices {
      rows[2][0] = i + 1
      var least = i + 1
      for j in wanted.indices {
        let replaced = rows[1][j] + (word[i] == wanted[j] ? 0 : 1)
        var best = min(rows[1][j + 1] + 1, rows[2][j] + 1, replaced)
        if i > 0, j > 0, word[i] == wanted[j - 1], word[i - 1] == wanted[j] {
          best = min(best, rows[0][j - 1] + 1)
        }
        rows[2][j + 1] = best
        least = min(least, best)
      }
      // A swap reaches back two rows, but then the row between them is at most one more.
      if least > bound, rows[1].min() ?? 0 > bound { return nil }
      rows.swapAt(0, 1)
      rows.swapAt(1, 2)
    }
    return rows[1][wanted.count] <= bound ? rows[1][wanted.count] : nil
  }
}

/// The names among `candidates` that a person who typed `name` may have meant, nearest first.
///
/// Near means within one edit for each three letters, or equal to the part after the candidate's last `/`. Names that cannot
/// be among the nearest are left early, so that a hundred thousand are looked through while a person blinks.
public func nearestNames(
  to name: String, among candidates: some Sequence<String>, limit: Int = 3
) -> [String] {
  guard !name.isEmpty, name.utf8.count <= 256, limit > 0 else { return [] }
  let wanted = Array(name.lowercased().unicodeScalars)
  let letters = letterSet(wanted)
  let ending = "/" + name.lowercased()
  let plainEnding = ending.utf8.allSatisfy { $0 < 128 } ? Array(ending.utf8) : nil
  var distances = EditDistances(to: wanted)
  var bound = max(1, wanted.count / 3)
  var found: [(distance: Int, name: String)] = []
  for candidate in candidates where candidate.utf8.count <= 256 {
    let isEnding =
      plainEnding.map { ends(candidate, with: $0) } ?? candidate.lowercased().hasSuffix(ending)
    if !isEnding, isFar(candidate, letters, wanted.count, bound) { continue }
    let word = Array(candidate.lowercased().unicodeScalars)
    guard let distance = isEnding ? 0 : distances.distance(from: word, atMost: bound) else {
      continue
    }
    let place = found.firstIndex { ($0.distance, $0.name) > (distance, candidate) } ?? found.count
    found.insert((distance, candidate), at: place)
    guard found.count >= limit else { continue }
    found.removeSubrange(limit...)
    bound = min(bound, found[limit - 1].distance)
  }
  return found.map(\.name)
}

/// Whether a glance tells that `candidate` is further than `bound` edits from a word of so many of these letters.
///
/// Each letter that only one of the two has costs an edit, and one edit takes care of one of each.
private func isFar(_ candidate: String, _ letters: UInt64, _ count: Int, _ bound: Int) -> Bool {
  var (own, all) = (UInt64(0), UInt8(0))
  for byte in candidate.utf8 {
    all |= byte
    own |= 1 << UInt64(lowercase(byte) & 63)
  }
  guard all < 128 else { return false }  // bytes are its letters in ASCII only
  let (added, lacking) = (own & ~letters, letters & ~own)
  return abs(candidate.utf8.count - count) > bound
    || max(added.nonzeroBitCount, lacking.nonzeroBitCount) > bound
}

/// Whether `candidate` ends with `ending`, which is in ASCII, in whatever case.
private func ends(_ candidate: String, with ending: [UInt8]) -> Bool {
  candidate.utf8.last.map(lowercase) == ending.last && candidate.utf8.count >= ending.count
    && candidate.utf8.suffix(ending.count).elementsEqual(ending) { lowercase($0) == $1 }
}

private func lowercase(_ byte: UInt8) -> UInt8 { (65...90).contains(byte) ? byte | 32 : byte }

/// Which letters `word` has, a bit for each; letters far apart share one.
private func letterSet(_ word: [Unicode.Scalar]) -> UInt64 {
  word.reduce(0) { $0 | 1 << UInt64($1.value & 63) }
}

/// `"; did you mean 'a' or 'b'?"` for the names near `name`, or an empty text where there is none.
public func didYouMean(_ name: String, among candidates: some Sequence<String>) -> String {
  let near = nearestNames(to: name, among: candidates)
  guard !near.isEmpty else { return "" }
  return "; did you mean " + near.map { "'\($0)'" }.joined(separator: " or ") + "?"
}
