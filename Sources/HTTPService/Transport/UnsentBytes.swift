/// Bytes that wait to be sent, in the pieces in which they came.
struct UnsentBytes {
  private var pieces: [[UInt8]] = []
  /// The first piece that is not sent, and how much of it is.
  private var piece = 0
  private var offset = 0
  /// Number of unsent bytes.
  private(set) var count = 0

  mutating func append(_ bytes: [UInt8]) {
    pieces.append(bytes)
    count += bytes.count
  }

  /// Moves as many bytes as fit to the start of `buffer`; their number.
  mutating func move(to buffer: UnsafeMutableRawBufferPointer) -> Int {
    var moved = 0
    while moved < buffer.count, piece < pieces.count {
      let part = min(buffer.count - moved, pieces[piece].count - offset)
      unsafe pieces[piece].withUnsafeBytes { bytes in
        unsafe UnsafeMutableRawBufferPointer(rebasing: buffer[moved...])
          .copyMemory(from: UnsafeRawBufferPointer(rebasing: bytes[offset..<offset + part]))
      }
      moved += part
      offset += part
      if offset == pieces[piece].count {
        pieces[piece] = []
        piece += 1
        offset = 0
      }
    }
    count -= moved
    if piece == pieces.count || piece >= 256 {
      pieces.removeFirst(piece)
      piece = 0
    }
    return moved
  }
}
