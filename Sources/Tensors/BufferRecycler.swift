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
    var address: UInt
    var since: Int
  }

  fileprivate struct Shelf: ~Copyable {
    /// By class of size; of one class those idle longest first.
    var idle = [[IdleBlock]](repeating: [], count: SizeClass.count)
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
    let wanted = SizeClass(of: byteCount)
    let found = shelf.withLock { shelf in shelf.take(wanted) }
    if let found, let base = unsafe UnsafeMutableRawPointer(bitPattern: found.address) {
      return unsafe (base, found.size)
    }
    let surplus = shelf.withLock { shelf in
      shelf.use(wanted.size)
      return shelf.removeSurplus()
    }
    for address in surplus { unsafe UnsafeMutableRawPointer(bitPattern: address)?.deallocate() }
    return unsafe (MemoryBlock.allocate(wanted.size), wanted.size)
  }

  func give(_ base: UnsafeMutableRawPointer, _ size: Int) {
    let address = UInt(bitPattern: base)
    shelf.withLock { shelf in
      shelf.clock += 1
      shelf.liveBytes -= size
      shelf.idleBytes += size
      shelf.idle[SizeClass(of: size).index].append(IdleBlock(address: address, since: shelf.clock))
    }
  }

  /// Bytes waiting to be used again.
  public var idleBytes: Int { shelf.withLock { $0.idleBytes } }

  /// Gives every idle block back to the system.
  public func drain() {
    let addresses = shelf.withLock { shelf in
      let all = shelf.idle.flatMap { $0.map(\.address) }
      for index in shelf.idle.indices { shelf.idle[index] = [] }
      shelf.idleBytes = 0
      return all
    }
    for address in addresses { unsafe UnsafeMutableRawPointer(bitPattern: address)?.deallocate() }
  }

  deinit { drain() }
}

/// Sizes in steps of an eighth of their power of two, so that requests of about one size share blocks.
private struct SizeClass {
  let index: Int

  static let count = 1 + 8 * (Int.bitWidth - 1 - smallestExponent)
  private static let smallestExponent = 12

  init(index: Int) { self.index = index }

  /// The smallest that holds `byteCount` bytes.
  init(of byteCount: Int) {
    guard byteCount > 1 << Self.smallestExponent else {
      index = 0
      return
    }
    let last = byteCount - 1
    let exponent = Int.bitWidth - 1 - last.leadingZeroBitCount
    index = 1 + 8 * (exponent - Self.smallestExponent) + (last >> (exponent - 3)) & 7
  }

  /// Bytes of a block.
  var size: Int {
    guard index > 0 else { return 1 << Self.smallestExponent }
    let (power, eighths) = ((index - 1) / 8, (index - 1) % 8)
    return (9 + eighths) << (power + Self.smallestExponent - 3)
  }
}

extension BufferRecycler.Shelf {
  /// The block used last of `wanted`'s size, or of one up to twice as large: that is better than new pages.
  fileprivate mutating func take(_ wanted: SizeClass) -> (address: UInt, size: Int)? {
    for index in wanted.index..<min(SizeClass.count, wanted.index + 9) {
      guard let block = idle[index].popLast() else { continue }
      let size = SizeClass(index: index).size
      idleBytes -= size
      use(size)
      return (block.address, size)
    }
    return nil
  }

  fileprivate mutating func use(_ size: Int) {
    liveBytes += size
    peakLiveBytes = max(peakLiveBytes, liveBytes)
  }

  /// Takes out idle blocks until all bytes together fit the peak and the slack; their addresses.
  fileprivate mutating func removeSurplus() -> [UInt] {
    var addresses: [UInt] = []
    while idleBytes + liveBytes > peakLiveBytes + BufferRecycler.slack,
      let oldest = idle.indices.filter({ !idle[$0].isEmpty }).min(by: {
        idle[$0][0].since < idle[$1][0].since
      })
    {
      addresses.append(idle[oldest].removeFirst().address)
      idleBytes -= SizeClass(index: oldest).size
    }
    return addresses
  }
}
