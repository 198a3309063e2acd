import Adapters
import Digests
import Serving
import Testing

@Suite struct AdapterPoolTests {
  @Test func aRetiredAdapterGoesWithItsLastUser() throws {
    let toy = try ToyEngine()
    let (old, new) = (try toy.adapter(1), try toy.adapter(2))
    let pool = toy.pool()
    var first: PinnedAdapter? = try pool.pin(old.digest) { toy.resident(old) }
    var second: PinnedAdapter? = try pool.pin(old.digest) { toy.resident(old) }
    _ = try pool.pin(new.digest) { toy.resident(new) }
    pool.retire(keeping: [new.digest])
    #expect(pool.residents == [old.digest: 2, new.digest: 0])
    first = nil
    #expect(pool.residents[old.digest] == 1)
    second = nil
    #expect(pool.residents == [new.digest: 0] && pool.budget.used == toy.bytes(new))
    #expect(first == nil && second == nil)
    // Wanted again after all, it stays while it is wanted.
    let again = try pool.pin(old.digest) { toy.resident(old) }
    pool.retire(keeping: [old.digest])
    #expect(pool.residents == [old.digest: 1])
    _ = again
  }

  @Test func theLeastRecentlyUsedGoesFirstAndThePinnedStay() throws {
    let toy = try ToyEngine()
    let adapters = try (1...4).map { try toy.adapter($0) }
    let pool = toy.pool(capacity: toy.bytes(adapters[0]) * 2)
    let pinned = try pool.pin(adapters[0].digest) { toy.resident(adapters[0]) }
    _ = try pool.pin(adapters[1].digest) { toy.resident(adapters[1]) }
    _ = try pool.pin(adapters[2].digest) { toy.resident(adapters[2]) }
    #expect(Set(pool.residents.keys) == [adapters[0].digest, adapters[2].digest])
    let other = try pool.pin(adapters[2].digest) { toy.resident(adapters[2]) }
    #expect(pool.budget.available == 0)
    let refusal = #expect(throws: ServingError.self) {
      try pool.pin(adapters[3].digest) { toy.resident(adapters[3]) }
    }
    #expect(refusal?.code == .noRoom && refusal?.bytes == toy.bytes(adapters[3]))
    #expect(pool.statistics.refusals == 1)
    _ = (pinned, other)
  }

  @Test func whatIsLargerThanTheBudgetIsNotToldToWait() throws {
    let toy = try ToyEngine()
    let adapter = try toy.adapter(1)
    let pool = toy.pool(capacity: toy.bytes(adapter) - 1)
    let error = #expect(throws: ServingError.self) {
      try pool.pin(adapter.digest) { toy.resident(adapter) }
    }
    #expect(
      error?.code == .tooLarge
        && error?.message.contains("allow the server more memory") == true)
  }
}
