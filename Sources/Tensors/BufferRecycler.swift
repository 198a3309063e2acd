import Synchronization

/// Keeps freed blocks for the next request of the same size.
///
/// A training step asks for the same sizes every time; fresh pages from the system would cost a page fault
/// for every 4 KiB of every step.
@safe public final class BufferRecycler: Sendable {
  private struct Shelf: ~Copyable {
    var blocks: [Int: [UInt]] = [:]
    var bytes = 0
  }
  private let shelf = Mutex(Shelf())

  /// An empty recycler.
  public init() {}

  func take(_ byteCount: Int) -> UnsafeMutableRawPointer? {
    let address = shelf.withLock { shelf -> UInt? in
      guard let found = shelf.blocks[byteCount]?.popLast() else { return nil }
      shelf.bytes -= byteCount
      return found
    }
    return unsafe address.flatMap { unsafe UnsafeMutableRawPointer(bitPattern: $0) }
  }

  func give(_ base: UnsafeMutableRawPointer, _ byteCount: Int) {
    let address = UInt(bitPattern: base)
    shelf.withLock {
      $0.blocks[byteCount, default: []].append(address)
      $0.bytes += byteCount
    }
  }

  /// Bytes waiting to be used again.
  public var idleBytes: Int { shelf.withLock { $0.bytes } }

  /// Gives every idle block back to the system.
  public func drain() {
    let blocks = shelf.withLock { shelf in
      let all = shelf.blocks
      shelf.blocks = [:]
      shelf.bytes = 0
      return all
    }
    for address in blocks.values.joined() {
      unsafe UnsafeMutableRawPointer(bitPattern: address)?.deallocate()
    }
  }

  deinit { drain() }
}
