/// The bytes of a blob, in memory of their own.
@safe public final class Blob: @unchecked Sendable {
  // Safe: written only before anybody else has it.
  let memory: UnsafeMutableRawBufferPointer

  init(count: Int) {
    // A small alignment keeps to what the allocator hands out again: new memory costs more than reading into it.
    unsafe memory = UnsafeMutableRawBufferPointer.allocate(byteCount: count, alignment: 16)
  }

  deinit { unsafe memory.deallocate() }

  /// The bytes, for as long as this lives.
  @unsafe public var bytes: UnsafeRawBufferPointer { unsafe UnsafeRawBufferPointer(memory) }
}
