/// The bytes of every token, ready to be joined.
struct DecodedPieces: Sendable {
  private var arena: [UInt8] = []
  private var offsets: [Int32] = [0]
  private var byteValues: [Int16]  // the byte of a fallback token, or -1; empty without fallback

  /// - Parameter spellings: The spelling of each id; nil where no token has it.
  init(idCount: Int, decoder: TextDecoder, spelling: (Int) -> ArraySlice<UInt8>?) {
    let hasFallback = decoder.kind == .pieces(byteFallback: true)
    byteValues = hasFallback ? [Int16](repeating: -1, count: idCount) : []
    offsets.reserveCapacity(idCount + 1)
    let isByteLevel = decoder.kind == .byteLevel
    for id in 0..<idCount {
      if let spelling = spelling(id) {
        if isByteLevel {
          if !ByteAlphabet.appendRaw(spelling, to: &arena) { arena.append(contentsOf: spelling) }
        } else {
          let bytes = decoder.bytes(of: spelling, isFirst: false)
          if hasFallback, let byte = ByteAlphabet.byte(ofFallback: bytes[...]) {
            byteValues[id] = Int16(byte)
          }
          arena.append(contentsOf: bytes)
        }
      }
      offsets.append(Int32(truncatingIfNeeded: arena.count))
    }
  }

  /// The byte that a fallback token stands for.
  func byte(_ id: Int) -> UInt8? {
    guard id < byteValues.count, byteValues[id] >= 0 else { return nil }
    return UInt8(truncatingIfNeeded: byteValues[id])
  }

  /// The bytes of a token.
  func bytes(_ id: Int) -> ArraySlice<UInt8> { arena[Int(offsets[id])..<Int(offsets[id + 1])] }
}
