import CKernels

/// What choosing a token reads of a row of logits.
extension Matrix {
  /// The places of the values above `low` and not above `high`, ascending.
  public func places(above low: Float, upTo high: Float) -> [UInt32] {
    let found = unsafe ck_count_between(count, pointer, low, high)
    guard found > 0 else { return [] }
    return unsafe [UInt32](unsafeUninitializedCapacity: found + 1) { buffer, filled in
      if let base = buffer.baseAddress { unsafe ck_find_between(count, pointer, low, high, base) }
      filled = found
    }
  }

  /// `sum(exp((x - top) / temperature))` over the values `x` above `low`.
  public func exponentialMass(below top: Float, temperature: Float, above low: Float) -> Double {
    unsafe ck_exponential_mass(count, pointer, top, 1 / temperature, low)
  }
}
