import Digests
import Models
import Serving
import Tensors
import Testing
import Tokenizers

@Suite struct PrefixCacheTests {
  private let toy: ToyEngine
  private let prompt: [Token]
  private let full: KeyValueCache

  init() throws {
    toy = try ToyEngine()
    prompt = toy.request(50).prompt
    full = try toy.engine.model.makeCache()
    var sequences = [DecodingSequence(cache: full, pending: prompt)]
    _ = try toy.engine.model.advance(
      &sequences, rowLimit: 128, updates: { _, _ in BatchUpdates() }, pool: toy.workers,
      recycler: .init())
  }

  @Test func aBlockIsFoundByTheAdapterAndEveryTokenBefore() {
    let cache = PrefixCache(budget: MemoryBudget(capacity: 1 << 24))
    let adapter = Digest.of("an adapter")
    cache.keep(prompt, adapter: adapter, of: full)
    #expect(cache.blocks(of: prompt, adapter: adapter, after: 0).map(\.count) == [16, 16, 16])
    #expect(cache.blocks(of: prompt, adapter: adapter, after: 16).count == 2)
    #expect(cache.blocks(of: prompt, adapter: adapter, after: 5).isEmpty)
    #expect(cache.blocks(of: prompt, adapter: nil, after: 0).isEmpty)
    #expect(cache.blocks(of: prompt, adapter: Digest.of("another"), after: 0).isEmpty)
    var other = prompt
    other[3] += 1
    #expect(cache.blocks(of: other, adapter: adapter, after: 0).isEmpty)
    other = prompt
    other[20] += 1
    #expect(cache.blocks(of: other, adapter: adapter, after: 0).count == 1)
  }

  @Test func theLastTokenIsNeverCovered() {
    let cache = PrefixCache(budget: MemoryBudget(capacity: 1 << 24))
    cache.keep(prompt, adapter: nil, of: full)
    #expect(cache.blocks(of: Array(prompt.prefix(32)), adapter: nil, after: 0).count == 1)
    #expect(cache.blocks(of: Array(prompt.prefix(33)), adapter: nil, after: 0).count == 2)
  }

  @Test func blocksGoWhenOthersNeedTheRoomAndBeginningsGoLast() throws {
    let block = try full.block(0..<16).byteCount
    let budget = MemoryBudget(capacity: block * 4)
    let cache = PrefixCache(budget: budget)
    cache.keep(prompt, adapter: nil, of: full)
    #expect(cache.bytes == 3 * block && budget.used == 3 * block)
    #expect(budget.available == 4 * block, "what is cached is given up")
    let taken = try #require(budget.reserve(2 * block))
    #expect(budget.available == 2 * block)
    #expect(cache.bytes == 2 * block)
    #expect(cache.blocks(of: prompt, adapter: nil, after: 0).count == 2)
    // Full: what is kept anew takes the place of older blocks of the cache, and nobody else's.
    cache.keep(prompt, adapter: Digest.of("an adapter"), of: full)
    #expect(budget.used == 4 * block && cache.bytes == 2 * block)
    #expect(budget.reserve(3 * block) == nil && cache.bytes == 0)
    _ = taken
  }
}
