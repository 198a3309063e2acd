import Adapters

extension AdapterPool.State {
  /// Lets unpinned adapters go, least recently used first, until `bytes` more fit.
  mutating func makeRoom(for bytes: Int, capacity: Int) throws {
    while statistics.residentBytes + bytes > capacity {
      guard
        let (digest, entry) = entries.lazy.filter({ $0.value.pins == 0 })
          .min(by: { $0.value.lastUse < $1.value.lastUse })
      else {
        throw ServingError(
          .noRoom,
          "no room for an adapter of \(bytes) bytes: \(statistics.residentBytes) of \(capacity) "
            + "are pinned by requests; raise the pool's size or wait")
      }
      entries[digest] = nil
      statistics.resident -= 1
      statistics.residentBytes -= entry.adapter.byteCount
      statistics.evictions += 1
    }
  }
}
