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
  private let isMapped: Bool

  init(byteCount: Int, recycler: BufferRecycler? = nil) {
    self.recycler = recycler
    isMapped = false
    if let recycler {
      unsafe (base, size) = recycler.take(byteCount)
    } else {
      size = MemoryBlock.roundedUp(byteCount)
      unsafe base = MemoryBlock.allocate(size)
    }
  }

  /// Zeros that take memory page by page, each when it is first written to: small pages, whatever the size.
  /// - Throws: `TensorError` where the system has no room for so many addresses.
  init(untouchedByteCount byteCount: Int) throws(TensorError) {
    let size = max(1, byteCount)
    let mapped = unsafe mmap(
      nil, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0)
    guard let mapped = unsafe mapped, unsafe mapped != MAP_FAILED else {
      throw TensorError(
        .noMemory,
        "the system has no room for \(byteCount) bytes more (ulimit -v, vm.overcommit_memory)")
    }
    unsafe madvise(mapped, size, MADV_NOHUGEPAGE)
    recycler = nil
    isMapped = true
    self.size = size
    unsafe base = mapped
  }

  deinit {
    if isMapped {
      unsafe munmap(base, size)
    } else if let recycler {
      unsafe recycler.give(base, size)
    } else {
      unsafe base.deallocate()
    }
  }

  /// Writes to each large page, before anything is kept there.
  /// - Parameter pausing: Called before each, with the seconds that it may take; returns when it may be.
  func touch(pausing: (_ seconds: Double) -> Void) {
    let clock = ContinuousClock()
    var taken = Duration.milliseconds(1)
    for offset in stride(from: 0, to: size, by: MemoryBlock.largePage) {
      pausing(taken / .seconds(1))
      taken = clock.measure { unsafe base.storeBytes(of: 0, toByteOffset: offset, as: UInt8.self) }
    }
  }

  /// Sizes of a quarter of a large page and more are rounded up to whole large pages.
  static func roundedUp(_ size: Int) -> Int {
    size >= largePage / 4 ? (size + largePage - 1) / largePage * largePage : max(size, 1)
  }

  /// New memory; large blocks ask for large pages, because walking through gigabytes 4 KiB at a time costs more in page
  /// faults and address look-ups than in reading.
  static func allocate(_ size: Int) -> UnsafeMutableRawPointer {
    guard size >= largePage else {
      return UnsafeMutableRawPointer.allocate(byteCount: size, alignment: 64)
    }
    let base = UnsafeMutableRawPointer.allocate(byteCount: size, alignment: largePage)
    unsafe madvise(base, size, MADV_HUGEPAGE)
    return unsafe base
  }

  private static let largePage = 2 << 20
}
