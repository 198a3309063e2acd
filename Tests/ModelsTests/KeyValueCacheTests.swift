import Autograd
import Foundation
import Models
import Tensors
import Testing

@Suite("Key-value caches", .serialized)
struct KeyValueCacheTests {
  private let pool = WorkerPool(threads: 2)
  private let recycler = BufferRecycler()
  private let tokens = (0..<140).map { Int32($0 * 11 % 101) }

  /// Feeds the tokens of `range` and returns the last one's logits.
  private func feed(_ model: Model, _ cache: KeyValueCache, _ range: Range<Int>) throws -> [Float] {
    var sequences = [DecodingSequence(cache: cache, pending: Array(tokens[range]))]
    return try model.advance(
      &sequences, rowLimit: 512, updates: { _, _ in BatchUpdates() }, pool: pool,
      recycler: recycler
    ).logits.values
  }

  @Test(
    "a sequence that goes on from copied blocks gives the same bits",
    arguments: [WeightFormat.f32, .bf16, .int8], [32, 21, 64])
  func blocks(weights: WeightFormat, size: Int) throws {
    defer { pool.shutDown() }
    let model = try ToyModel.load(weights)
    let cache = try model.makeCache(capacity: 200)
    _ = try feed(model, cache, 0..<100)
    let blocks = try stride(from: 0, to: 100 / size * size, by: size).map {
      try cache.block($0..<$0 + size)
    }
    let held = blocks.reduce(0) { $0 + $1.count }
    // The original forgets what is in no block and computes it again, in the same pieces as the copy.
    cache.truncate(to: held)
    let copy = try model.makeCache(capacity: 1)
    for block in blocks { try copy.append(block) }
    #expect(copy.count == held)
    for range in [held..<101, 101..<102, 102..<140] {
      #expect(try feed(model, copy, range) == feed(model, cache, range))
    }
    #expect(blocks.allSatisfy { $0.byteCount == model.cacheBytes(tokens: size) })
  }

  @Test("what is written after a block was copied does not change it")
  func immutable() throws {
    defer { pool.shutDown() }
    let model = try ToyModel.load(.bf16)
    let cache = try model.makeCache(capacity: 200)
    _ = try feed(model, cache, 0..<64)
    let expected = try feed(model, cache, 64..<65)
    cache.truncate(to: 64)
    let block = try cache.block(0..<64)
    cache.truncate(to: 0)
    _ = try feed(model, cache, 60..<130)
    let other = try model.makeCache()
    try other.append(block)
    #expect(try feed(model, other, 64..<65) == expected)
  }

  @Test("bf16 takes half the bytes, and bytes follow the tokens held")
  func bytes() throws {
    defer { pool.shutDown() }
    let floats = try ToyModel.load(.f32)
    // 2 layers of 2 heads of 20 values, twice; in bf16 keys fill panels of 32 positions, values of 32 of a head's.
    #expect(floats.cacheBytes(tokens: 64) == 64 * 2 * 2 * 20 * 2 * 4)
    let model = try ToyModel.load(.bf16)
    #expect(model.cacheBytes(tokens: 64) == 64 * 2 * 2 * (20 + 32) * 2)
    #expect(model.cacheBytes(tokens: 65) == model.cacheBytes(tokens: 96))
    let cache = try model.makeCache(capacity: 512)
    #expect(cache.byteCount == 0)
    _ = try feed(model, cache, 0..<40)
    #expect(cache.byteCount == model.cacheBytes(tokens: 40))
  }

  @Test("room that is not used takes no memory", arguments: [WeightFormat.f32, .bf16])
  func untouched(weights: WeightFormat) throws {
    defer { pool.shutDown() }
    let model = try ToyModel.load(weights)
    let before = try residentBytes()
    let cache = try model.makeCache(capacity: 4 << 20)
    _ = try feed(model, cache, 0..<140)
    #expect(model.cacheBytes(tokens: 4 << 20) > 1 << 30)
    #expect(try residentBytes() - before < 256 << 20)
    #expect(cache.count == 140)
  }

  @Test("room beyond all addresses is refused", arguments: [WeightFormat.f32, .bf16])
  func refused(weights: WeightFormat) throws {
    defer { pool.shutDown() }
    let model = try ToyModel.load(weights)
    #expect(throws: TensorError.self) { try model.makeCache(capacity: 1 << 44) }
    let cache = try model.makeCache(capacity: 1)
    _ = try feed(model, cache, 0..<70)
    #expect(cache.count == 70)
  }

  private func residentBytes() throws -> Int {
    let text = try String(contentsOfFile: "/proc/self/statm", encoding: .utf8)
    return (Int(text.split(separator: " ")[1]) ?? 0) * 4096
  }
}
