extension Matrix {
  /// The index, row by row, of the first value that is NaN or infinite; nil where all are numbers.
  public var firstNotFinite: Int? {
    let infinity = Float.infinity.bitPattern
    var largest: UInt32 = 0
    unsafe bytes.withUnsafeBytes { raw in
      let words = unsafe raw.bindMemory(to: UInt32.self)
      // Magnitudes order as their bits do, and integers, unlike floats, reduce many at a time.
      for index in 0..<words.count { largest = max(largest, unsafe words[index] & 0x7FFF_FFFF) }
    }
    return largest >= infinity ? values.firstIndex { !$0.isFinite } : nil
  }
}
