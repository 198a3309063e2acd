#if canImport(Glibc)
  import Glibc
#endif

/// An owned block of memory, aligned to a cache line; freed, or handed back to `recycler`, with its last reference.
@safe final class MemoryBlock: @unchecked Sendable {
  // Safe: the pointer itself never changes; who may write behind it is the business of the views.
  let base: UnsafeMutableRawPointer
  /// Bytes behind `base`: what was asked for, or a little more.
  private let size: Int
  private let recycler: BufferRecycler?

  init(byteCount: Int, recycler: BufferRecycler? = nil) {
    self.recycler = recycler
    if let recycler {
      unsafe (base, size) = recycler.take(byteCount)
    } else {
      size = max(byteCount, 1)
      unsafe base = UnsafeMutableRawPointer.allocate(byteCount: size, alignment: 64)
    }
  }

  deinit {
    if let recycler {
      unsafe recycler.give(base, size)
    } else {
      unsafe base.deallocate()
    }
  }
}
