import Models

/// The paths of a model's modules that are no linear layer: what PEFT's rules could match by mistake.
///
/// PEFT looks at every module, and refuses a target that is not a layer it knows. A selection that reaches such
/// a module must not pass here, or the adapter could not be opened there.
struct ModuleTree {
  let others: [String]

  init(_ slots: SlotTable) {
    var seen: Set<String> = []
    var found: [String] = []
    func add(_ path: String) {
      if slots.index(of: path) == nil, seen.insert(path).inserted { found.append(path) }
    }
    for slot in slots.slots {
      let parts = slot.path.split(separator: ".", omittingEmptySubsequences: false)
      for length in 1..<max(1, parts.count) { add(parts.prefix(length).joined(separator: ".")) }
      // The decoder's own modules, as transformers names them.
      guard parts.count > 3, parts[0] == "model", parts[1] == "layers" else { continue }
      let block = parts.prefix(3).joined(separator: ".")
      for name in ["input_layernorm", "post_attention_layernorm", "mlp.act_fn"] {
        add(block + "." + name)
      }
      for name in ["model.embed_tokens", "model.norm", "model.rotary_emb"] { add(name) }
    }
    others = found
  }
}

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
