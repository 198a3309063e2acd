package import Digests
package import Models
import Synchronization
package import Tokenizers

/// Keys and values of the beginnings of prompts, for requests that begin alike: a tree of blocks of tokens.
///
/// A block is found by the adapter's digest and by every token from the first on, compared one by one, so that what one
/// adapter has computed is never read by another, whatever they are called. Only rows of prompts are kept, whose bits do
/// not depend on how they were fed.
package final class PrefixCache: Sendable {
  /// Tokens of a block: half of what copies quickest, for system prompts are short.
  package static let blockTokens = KeyValueBlock.alignment / 2

  fileprivate struct Key: Hashable {
    /// The block before; nil at the beginning.
    let parent: Int?
    /// The adapter's digest at the beginning; nil for the base, and in later blocks.
    let adapter: Digest?
    let tokens: [Token]
  }

  fileprivate struct Node {
    let key: Key
    let block: KeyValueBlock
    let memory: MemoryReservation
    /// Never lower than a later block's.
    var lastUse: Int
  }

  fileprivate struct State {
    var nodes: [Int: Node] = [:]
    var index: [Key: Int] = [:]
    var nextID = 0
    var clock = 0
    var bytes = 0
  }

  private let budget: MemoryBudget
  private let state = Mutex(State())

  /// An empty cache, whose bytes are counted in `budget` and given up before anybody else's.
  package init(budget: MemoryBudget) {
    self.budget = budget
    budget.onShortage(
      idle: { [weak self] in self?.bytes ?? 0 }, giveUp: { [weak self] in self?.evict($0) })
  }

  /// Bytes held.
  package var bytes: Int { state.withLock { $0.bytes } }

  /// The blocks that follow the first `count` tokens of a prompt, as far as they are known.
  ///
  /// The last token of a prompt is never covered: its logits are wanted.
  package func blocks(of prompt: [Token], adapter: Digest?, after count: Int) -> [KeyValueBlock] {
    guard count % PrefixCache.blockTokens == 0 else { return [] }
    return state.withLock { state in
      let now = state.tick()
      var found: [KeyValueBlock] = []
      var parent: Int?
      for (place, key) in PrefixCache.keys(prompt, adapter).enumerated() {
        guard (place + 1) * PrefixCache.blockTokens < prompt.count,
          let id = state.index[Key(parent: parent, adapter: key.adapter, tokens: key.tokens)]
        else { break }
        state.nodes[id]?.lastUse = now
        parent = id
        if place * PrefixCache.blockTokens >= count, let node = state.nodes[id] {
          found.append(node.block)
        }
      }
      return found
    }
  }

  /// Keeps what `cache` holds of a prompt, in whole blocks, as far as there is room.
  package func keep(_ prompt: [Token], adapter: Digest?, of cache: KeyValueCache) {
    let whole = min(prompt.count, cache.count) / PrefixCache.blockTokens
    // All blocks of this prompt are used now; only others may go for them.
    let now = state.withLock { $0.tick() }
    var parent: Int?
    for (place, part) in PrefixCache.keys(prompt, adapter).prefix(whole).enumerated() {
      let key = Key(parent: parent, adapter: part.adapter, tokens: part.tokens)
      if let id = state.withLock({ $0.touch(key, now) }) {
        parent = id
        continue
      }
      let start = place * PrefixCache.blockTokens
      guard let block = try? cache.block(start..<start + PrefixCache.blockTokens),
        let memory = reserve(block.byteCount, before: now)
      else { return }
      guard let id = state.withLock({ $0.insert(key, block, memory, now) }) else { return }
      parent = id
    }
  }

  /// Room that is idle, or that older blocks of this cache give up; never that of others.
  private func reserve(_ bytes: Int, before now: Int) -> MemoryReservation? {
    if let memory = budget.reserveIdle(bytes) { return memory }
    evict(bytes, before: now)
    return budget.reserveIdle(bytes)
  }

  private static func keys(_ prompt: [Token], _ adapter: Digest?)
    -> some Sequence<(adapter: Digest?, tokens: [Token])>
  {
    (0..<prompt.count / blockTokens).lazy.map { place in
      (place == 0 ? adapter : nil, Array(prompt[place * blockTokens..<(place + 1) * blockTokens]))
    }
  }

  /// Lets blocks go, least recently used first and later ones before those they follow, until `bytes` are free.
  private func evict(_ bytes: Int, before now: Int = .max) {
    let gone = state.withLock { state -> [Node] in
      // A later block has a larger number, and was never used after the one it follows.
      let order = state.nodes.sorted {
        ($0.value.lastUse, $1.key) < ($1.value.lastUse, $0.key)
      }
      var gone: [Node] = []
      var freed = 0
      for (id, node) in order where freed < bytes && node.lastUse < now {
        freed += node.memory.bytes
        state.bytes -= node.memory.bytes
        state.nodes[id] = nil
        state.index[node.key] = nil
        gone.append(node)
      }
      return gone
    }
    _ = gone
  }
}

extension PrefixCache.State {
  /// The time of a use.
  fileprivate mutating func tick() -> Int {
    clock += 1
    return clock
  }

  fileprivate mutating func touch(_ key: PrefixCache.Key, _ now: Int) -> Int? {
    guard let id = index[key] else { return nil }
    nodes[id]?.lastUse = now
    return id
  }

  /// Puts a block in; nil where the one it follows has gone meanwhile.
  fileprivate mutating func insert(
    _ key: PrefixCache.Key, _ block: KeyValueBlock, _ memory: MemoryReservation, _ now: Int
  ) -> Int? {
    if let parent = key.parent, nodes[parent] == nil { return nil }
    nextID += 1
    nodes[nextID] = PrefixCache.Node(key: key, block: block, memory: memory, lastUse: now)
    index[key] = nextID
    bytes += memory.bytes
    return nextID
  }
}
