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
      unsafe base = MemoryBlock.allocate(size)
    }
  }

  deinit {
    if let recycler {
      unsafe recycler.give(base, size)
    } else {
      unsafe base.deallocate()
    }
  }

  /// New memory; large blocks ask for large pages, because walking through gigabytes 4 KiB at a time costs more in page
  /// faults and address look-ups than in reading.
  static func allocate(_ size: Int) -> UnsafeMutableRawPointer {
    let largePage = 2 << 20
    guard size >= 2 * largePage else {
      return UnsafeMutableRawPointer.allocate(byteCount: size, alignment: 64)
    }
    let base = UnsafeMutableRawPointer.allocate(byteCount: size, alignment: largePage)
    unsafe madvise(base, size, MADV_HUGEPAGE)
    return unsafe base
  }
}
