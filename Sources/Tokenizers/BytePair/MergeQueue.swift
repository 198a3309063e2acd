/// A binary heap of merges that may be made, the smallest rank first, then the leftmost.
struct MergeQueue: Sendable {
  private var heap: [UInt64] = []  // rank in the upper half, position in the lower half

  mutating func removeAll() { heap.removeAll(keepingCapacity: true) }

  /// Adds without ordering; `heapify` follows.
  @inline(__always)
  mutating func appendUnordered(rank: UInt32, position: Int) {
    heap.append(UInt64(rank) << 32 | UInt64(UInt32(truncatingIfNeeded: position)))
  }

  mutating func heapify() {
    for index in stride(from: heap.count / 2 - 1, through: 0, by: -1) { siftDown(index) }
  }

  @inline(__always)
  mutating func push(rank: UInt32, position: Int) {
    heap.append(UInt64(rank) << 32 | UInt64(UInt32(truncatingIfNeeded: position)))
    var child = heap.count - 1
    while child > 0 {
      let parent = (child - 1) / 2
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
      var child = hole * 2 + 1
      if child >= count { break }
      if child + 1 < count, heap[child + 1] < heap[child] { child += 1 }
      if value <= heap[child] { break }
      heap[hole] = heap[child]
      hole = child
    }
    heap[hole] = value
  }
}
