#if canImport(Glibc)
  import Glibc
#endif

/// An owned block of memory, aligned to a cache line; freed, or handed back to `recycler`, with its last reference.
@safe final class MemoryBlock: @unchecked Sendable {
  // Safe: the pointer itself never changes; who may write behind it is the business of the views.
  let base: UnsafeMutableRawPointer
  let byteCount: Int
  private let recycler: BufferRecycler?

  init(byteCount: Int, recycler: BufferRecycler? = nil) {
    self.byteCount = byteCount
    self.recycler = recycler
    if let used = unsafe recycler?.take(byteCount) {
      unsafe base = used
    } else {
      unsafe base = UnsafeMutableRawPointer.allocate(byteCount: max(byteCount, 1), alignment: 64)
    }
  }

  deinit {
    if let recycler {
      unsafe recycler.give(base, byteCount)
    } else {
      unsafe base.deallocate()
    }
  }
}
