import Models

/// The layers that a configuration's `modules_to_save` names: trained whole, and kept whole.
///
/// The embedding and the head are built; other modules are refused, since leaving one out would change the answers.
struct SavedModules {
  /// Indices in the slot table, lowest first.
  let slots: [Int]
  /// Names that no module has: PEFT ignores them.
  let unused: [String]

  init(_ configuration: LoRAConfiguration, slots: SlotTable) throws(AdapterError) {
    let paths = slots.slots.map(\.path) + slots.otherModules
    var found: Set<Int> = []
    var unused: [String] = []
    for name in configuration.savedModules ?? [] {
      // PEFT's `_set_trainable` takes every module whose path ends in the name, wherever the name begins.
      let matches = paths.filter { $0.hasSuffix(name) }
      if matches.isEmpty { unused.append(name) }
      for path in matches { found.insert(try SavedModules.slot(path, named: name, in: slots)) }
    }
    if configuration.ensuresTying, slots.tiesHead, let head = slots.index(of: .head),
      let embedding = slots.index(of: .embedding), found.contains(embedding)
    {
      found.insert(head)
    }
    self.slots = found.sorted()
    self.unused = unused
  }

  private static func slot(
    _ path: String, named name: String, in slots: SlotTable
  ) throws(AdapterError) -> Int {
    guard let slot = slots.index(of: path), slots.slots[slot].kind != .linear else {
      throw AdapterError(
        .unsupported,
        """
        modules_to_save: '\(shortened(name))' is '\(path)', which is not supported; only the head and the embedding \
        can be kept whole
        """)
    }
    guard path == name || path.hasSuffix("." + name) else {
      throw AdapterError(
        .unsupported,
        "modules_to_save: '\(shortened(name))' is only the end of a module's name; write '\(path)'")
    }
    return slot
  }
}
