extension Matrix {
  /// The bits of the largest magnitude: 0 for zeros, those of infinity or more where a value is not finite.
  public var largestBits: UInt32 {
    var largest: UInt32 = 0
    unsafe bytes.withUnsafeBytes { raw in
      let words = unsafe raw.bindMemory(to: UInt32.self)
      // Magnitudes order as their bits do, and integers, unlike floats, reduce many at a time.
      for index in 0..<words.count { largest = max(largest, unsafe words[index] & 0x7FFF_FFFF) }
    }
    return largest
  }

  /// The index, row by row, of the first value that is NaN or infinite; nil where all are numbers.
  public var firstNotFinite: Int? {
    largestBits >= Float.infinity.bitPattern ? values.firstIndex { !$0.isFinite } : nil
  }
}
