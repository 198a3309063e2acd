/// A row-major `(rows, columns)` view of float32 values in shared storage.
///
/// A view is a reference: two views of the same storage see each other's writes. Kernels that write take the
/// matrix as their `into:` argument. Vectors are matrices of one row.
@safe public struct Matrix: @unchecked Sendable {
  // Safe: written only by the kernels of the thread that made it, before it is shared; frozen after.
  /// How many rows.
  public let rows: Int
  /// How many columns.
  public let columns: Int
  private let owner: AnyObject
  private let base: UnsafeMutablePointer<Float>

  /// A matrix whose values are not set yet.
  public init(rows: Int, columns: Int, recycler: BufferRecycler? = nil) {
    self.init(
      rows: rows, columns: columns,
      block: MemoryBlock(byteCount: Matrix.byteCount(rows, columns), recycler: recycler))
  }

  /// A matrix of zeros that takes memory page by page, each when it is first written to.
  /// - Throws: `TensorError` where the system has no room for so many addresses.
  public init(untouchedRows rows: Int, columns: Int) throws(TensorError) {
    self.init(
      rows: rows, columns: columns,
      block: try MemoryBlock(untouchedByteCount: Matrix.byteCount(rows, columns)))
  }

  private static func byteCount(_ rows: Int, _ columns: Int) -> Int {
    precondition(rows >= 0 && columns >= 0, "Matrix: negative shape")
    let (count, overflow) = rows.multipliedReportingOverflow(by: columns)
    precondition(!overflow && count <= Int.max / 4, "Matrix: shape overflows")
    return count * 4
  }

  private init(rows: Int, columns: Int, block: MemoryBlock) {
    self.rows = rows
    self.columns = columns
    owner = block
    unsafe base = block.base.assumingMemoryBound(to: Float.self)
  }

  /// A matrix of `value`s.
  public init(repeating value: Float, rows: Int, columns: Int, recycler: BufferRecycler? = nil) {
    self.init(rows: rows, columns: columns, recycler: recycler)
    fill(value)
  }

  /// A copy of `values`, row by row.
  public init(rows: Int, columns: Int, _ values: [Float]) {
    precondition(
      values.count == rows * columns, "Matrix: \(values.count) values for \(rows) x \(columns)")
    self.init(rows: rows, columns: columns)
    for (index, value) in values.enumerated() { unsafe base[index] = value }
  }

  /// The float32 values in `bytes`, shared with their owner where alignment allows it, else copied.
  ///
  /// A shared matrix must never be written to: its pages are read-only.
  public init(sharing bytes: Bytes, rows: Int, columns: Int) {
    precondition(
      bytes.count == rows * columns * 4, "Matrix: \(bytes.count) bytes for \(rows) x \(columns)")
    if unsafe UInt(bitPattern: bytes.pointer) % 4 == 0 {
      unsafe self.init(
        rows: rows, columns: columns, owner: BytesOwner(bytes),
        base: UnsafeMutablePointer(mutating: bytes.pointer.assumingMemoryBound(to: Float.self)))
    } else {
      self.init(rows: rows, columns: columns)
      unsafe UnsafeMutableRawPointer(base).copyMemory(from: bytes.pointer, byteCount: bytes.count)
    }
  }

  private init(rows: Int, columns: Int, owner: AnyObject, base: UnsafeMutablePointer<Float>) {
    self.rows = rows
    self.columns = columns
    self.owner = owner
    unsafe self.base = base
  }

  /// Values in the matrix.
  public var count: Int { rows * columns }

  /// The view of `range` of the rows.
  public func rows(_ range: Range<Int>) -> Matrix {
    precondition(range.lowerBound >= 0 && range.upperBound <= rows, "Matrix: rows out of bounds")
    return unsafe Matrix(
      rows: range.count, columns: columns, owner: owner, base: base + range.lowerBound * columns)
  }

  /// The same values in another shape.
  public func reshaped(rows: Int, columns: Int) -> Matrix {
    precondition(rows * columns == count, "Matrix: reshape changes the count")
    return unsafe Matrix(rows: rows, columns: columns, owner: owner, base: base)
  }

  /// The view of the values from number `first` on, in a shape of its own.
  package func part(from first: Int, rows: Int, columns: Int) -> Matrix {
    precondition(
      first >= 0 && rows >= 0 && columns >= 0 && first + rows * columns <= count,
      "Matrix: part out of bounds")
    return unsafe Matrix(rows: rows, columns: columns, owner: owner, base: base + first)
  }

  /// One value; for tests and cold code.
  public subscript(row: Int, column: Int) -> Float {
    get {
      precondition(
        row >= 0 && row < rows && column >= 0 && column < columns, "Matrix: out of bounds")
      return unsafe base[row * columns + column]
    }
    nonmutating set {
      precondition(
        row >= 0 && row < rows && column >= 0 && column < columns, "Matrix: out of bounds")
      unsafe base[row * columns + column] = newValue
    }
  }

  /// A copy of all values, row by row.
  public var values: [Float] { unsafe Array(UnsafeBufferPointer(start: base, count: count)) }

  /// Calls `body` with the values of one row where they stand.
  public func withRow<Result>(_ row: Int, _ body: (Span<Float>) throws -> Result) rethrows -> Result
  {
    precondition(row >= 0 && row < rows, "Matrix: out of bounds")
    return try body(unsafe UnsafeBufferPointer(start: base + row * columns, count: columns).span)
  }

  /// Sets every value.
  public func fill(_ value: Float) { unsafe base.update(repeating: value, count: count) }

  /// Copies `source`'s values, which must be as many, into this one's storage.
  public func copy(from source: Matrix) {
    precondition(count == source.count, "Matrix: copy between different counts")
    unsafe base.update(from: source.base, count: count)
  }

  /// An independent copy.
  public func copied(recycler: BufferRecycler? = nil) -> Matrix {
    let copy = Matrix(rows: rows, columns: columns, recycler: recycler)
    copy.copy(from: self)
    return copy
  }

  /// The values' bytes, little-endian, shared with this matrix; do not write to it afterwards.
  public var bytes: Bytes {
    unsafe Bytes(owner: owner, base: UnsafeRawPointer(base), count: count * 4)
  }

  /// Whether `other` is a view of the very same values.
  package func isSame(as other: Matrix) -> Bool {
    unsafe base == other.base && rows == other.rows && columns == other.columns
  }

  package var pointer: UnsafeMutablePointer<Float> { unsafe base }
}

private final class BytesOwner: Sendable {
  let bytes: Bytes
  init(_ bytes: Bytes) { self.bytes = bytes }
}
