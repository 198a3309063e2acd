public import Digests
import Synchronization

extension AdapterPool {
  /// Bytes of adapters that nobody uses.
  var idleBytes: Int {
    state.withLock { state in
      state.entries.values.reduce(0) { $0 + ($1.pins == 0 ? $1.memory.bytes : 0) }
    }
  }

  /// Lets unpinned adapters go, least recently used first, until `bytes` are free or none is left.
  func evict(_ bytes: Int) {
    let gone = state.withLock { state -> [Entry] in
      var gone: [Entry] = []
      var freed = 0
      while freed < bytes {
        let idle = state.entries.lazy.filter { $0.value.pins == 0 }
        guard let oldest = idle.min(by: { $0.value.lastUse < $1.value.lastUse }),
          let entry = state.remove(oldest.key)
        else { break }
        state.statistics.evictions += 1
        freed += entry.memory.bytes
        gone.append(entry)
      }
      return gone
    }
    // Freed here, outside the lock.
    _ = gone
  }

  /// Lets the adapters go that are not among `digests`, each as soon as no request uses it.
  ///
  /// For versions that no name leads to any more. One that is wanted again later is loaded again.
  public func retire(keeping digests: Set<Digest>) {
    let gone = state.withLock { state -> [Entry] in
      var gone: [Entry] = []
      for (digest, entry) in state.entries {
        state.entries[digest]?.isRetired = !digests.contains(digest)
        if entry.pins == 0, !digests.contains(digest), let entry = state.remove(digest) {
          gone.append(entry)
        }
      }
      return gone
    }
    _ = gone
  }
}
