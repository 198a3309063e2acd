/// The fewest suffixes that tell `names` from `others`, sorted; PEFT's `_find_minimal_target_modules`.
func condensed(_ names: [String], apartFrom others: [String]) -> [String] {
  func suffixes(_ path: String) -> [String] {
    let parts = path.split(separator: ".", omittingEmptySubsequences: false)
    return parts.indices.reversed().map { parts[$0...].joined(separator: ".") }
  }
  let foreign = Set(others.flatMap(suffixes))
  var required: Set<String> = []
  let items = Set(names).map { (path: $0, suffixes: suffixes($0)) }
    .sorted { $0.suffixes.lexicographicallyPrecedes($1.suffixes) }
  for (path, candidates) in items {
    let isCovered = candidates.dropLast().contains(where: required.contains)
    guard !isCovered, path != "" else { continue }
    if let suffix = candidates.first(where: { !required.contains($0) && !foreign.contains($0) }) {
      required.insert(suffix)
    }
  }
  return (required.isEmpty ? Set(names) : required).sorted()
}
