/// A heap of merges that may be made, the smallest rank first, then the leftmost.
struct MergeQueue: Sendable {
  /// The children of a node: together they are half a line of the cache, and a long word's heap is not in the cache.
  private static let width = 4

  private var heap: [UInt64] = []  // rank in the upper half, position in the lower half

  mutating func removeAll() { heap.removeAll(keepingCapacity: true) }

  /// Adds without ordering; `heapify` follows.
  @inline(__always)
  mutating func appendUnordered(rank: UInt32, position: Int) {
    heap.append(UInt64(rank) << 32 | UInt64(UInt32(truncatingIfNeeded: position)))
  }

  mutating func heapify() {
    guard heap.count > 1 else { return }
    let last = (heap.count - 2) / MergeQueue.width
    for index in stride(from: last, through: 0, by: -1) { siftDown(index) }
  }

  @inline(__always)
  mutating func push(rank: UInt32, position: Int) {
    heap.append(UInt64(rank) << 32 | UInt64(UInt32(truncatingIfNeeded: position)))
    var child = heap.count - 1
    while child > 0 {
      let parent = (child - 1) / MergeQueue.width
      if heap[parent] <= heap[child] { break }
      heap.swapAt(parent, child)
      child = parent
    }
  }

  @inline(__always)
  mutating func pop() -> (rank: UInt32, position: Int)? {
    guard let first = heap.first else { return nil }
    let last = heap.removeLast()
    if !heap.isEmpty {
      heap[0] = last
      siftDown(0)
    }
    return (UInt32(truncatingIfNeeded: first >> 32), Int(first & 0xffff_ffff))
  }

  private mutating func siftDown(_ start: Int) {
    let value = heap[start]
    var hole = start
    let count = heap.count
    while true {
      let first = hole * MergeQueue.width + 1
      if first >= count { break }
      var least = first
      for child in first + 1..<min(first + MergeQueue.width, count) where heap[child] < heap[least]
      {
        least = child
      }
      if value <= heap[least] { break }
      heap[hole] = heap[least]
      hole = least
    }
    heap[hole] = value
  }
}
