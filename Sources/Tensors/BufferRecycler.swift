import Synchronization

/// Keeps freed blocks for the next request of about the same size.
///
/// A training step asks for about the same sizes every time; fresh pages from the system would cost a page fault
/// for every 4 KiB of every step. Blocks in use and blocks kept together take little more than the blocks in use once
/// did: what does not fit any more is given back to the system, the blocks idle longest first.
@safe public final class BufferRecycler: Sendable {
  /// Bytes beyond that peak. Blocks of several sizes are never all in use at once: with no room to spare a step would give
  /// back what its next layer asks for (a prompt of 512 tokens took 20,000 page faults, an eighth of its time).
  fileprivate static let slack = 32 << 20

  fileprivate struct IdleBlock {
    var size: Int
    var address: UInt
    var since: Int
  }

  fileprivate struct Shelf: ~Copyable {
    /// Sorted by size.
    var idle: [IdleBlock] = []
    var idleBytes = 0
    var liveBytes = 0
    var peakLiveBytes = 0
    var clock = 0
  }

  private let shelf = Mutex(Shelf())

  /// An empty recycler.
  public init() {}

  /// A block of at least `byteCount` bytes, and its size.
  func take(_ byteCount: Int) -> (base: UnsafeMutableRawPointer, size: Int) {
    let size = BufferRecycler.roundedUp(byteCount)
    let found = shelf.withLock { shelf -> (address: UInt, size: Int)? in
      let place = shelf.firstIndex(atLeast: byteCount)
      // A block up to twice as large as a new one would be is better than new pages.
      guard place < shelf.idle.count, shelf.idle[place].size / 2 <= size else { return nil }
      let block = shelf.idle.remove(at: place)
      shelf.idleBytes -= block.size
      shelf.use(block.size)
      return (block.address, block.size)
    }
    if let found, let base = unsafe UnsafeMutableRawPointer(bitPattern: found.address) {
      return unsafe (base, found.size)
    }
    let surplus = shelf.withLock { shelf in
      shelf.use(size)
      return shelf.removeSurplus()
    }
    for address in surplus { unsafe UnsafeMutableRawPointer(bitPattern: address)?.deallocate() }
    return unsafe (MemoryBlock.allocate(size), size)
  }

  func give(_ base: UnsafeMutableRawPointer, _ size: Int) {
    let address = UInt(bitPattern: base)
    shelf.withLock { shelf in
      shelf.clock += 1
      shelf.liveBytes -= size
      shelf.idleBytes += size
      shelf.idle.insert(
        IdleBlock(size: size, address: address, since: shelf.clock),
        at: shelf.firstIndex(atLeast: size))
    }
  }

  /// Sizes in steps of an eighth of their power of two, so that requests of about one size share blocks.
  private static func roundedUp(_ byteCount: Int) -> Int {
    guard byteCount > 4096 else { return 4096 }
    let step = 1 << (Int.bitWidth - 1 - byteCount.leadingZeroBitCount - 3)
    return (byteCount + step - 1) / step * step
  }

  /// Bytes waiting to be used again.
  public var idleBytes: Int { shelf.withLock { $0.idleBytes } }

  /// Gives every idle block back to the system.
  public func drain() {
    let addresses = shelf.withLock { shelf in
      let all = shelf.idle.map(\.address)
      shelf.idle = []
      shelf.idleBytes = 0
      return all
    }
    for address in addresses { unsafe UnsafeMutableRawPointer(bitPattern: address)?.deallocate() }
  }

  deinit { drain() }
}

extension BufferRecycler.Shelf {
  /// The index of the smallest idle block of at least `size` bytes.
  fileprivate func firstIndex(atLeast size: Int) -> Int {
    var (low, high) = (0, idle.count)
    while low < high {
      let middle = (low + high) / 2
      if idle[middle].size < size { low = middle + 1 } else { high = middle }
    }
    return low
  }

  fileprivate mutating func use(_ size: Int) {
    liveBytes += size
    peakLiveBytes = max(peakLiveBytes, liveBytes)
  }

  /// Takes out idle blocks until all bytes together fit the peak and the slack; their addresses.
  fileprivate mutating func removeSurplus() -> [UInt] {
    var addresses: [UInt] = []
    while idleBytes + liveBytes > peakLiveBytes + BufferRecycler.slack,
      let oldest = idle.indices.min(by: { idle[$0].since < idle[$1].since })
    {
      let block = idle.remove(at: oldest)
      idleBytes -= block.size
      addresses.append(block.address)
    }
    return addresses
  }
}
