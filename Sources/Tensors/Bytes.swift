/// A read-only window on bytes that `owner` keeps alive: a mapped file, or a block of memory.
///
/// Every read is checked against the window; slices share the owner.
@safe public struct Bytes: @unchecked Sendable {
  // Safe: the bytes behind `base` are never written after the owner is made.
  let owner: AnyObject
  private let base: UnsafeRawPointer
  /// Bytes in the window.
  public let count: Int

  init(owner: AnyObject, base: UnsafeRawPointer, count: Int) {
    self.owner = owner
    unsafe self.base = base
    self.count = count
  }

  /// The bytes in `memory`, which `owner` keeps alive, and which nobody writes any more.
  @unsafe package init(_ memory: UnsafeRawBufferPointer, of owner: AnyObject) {
    if let base = memory.baseAddress {
      unsafe self.init(owner: owner, base: base, count: memory.count)
    } else {
      self.init([UInt8]())
    }
  }

  /// A copy of `array`'s bytes.
  public init(_ array: [UInt8]) {
    let block = MemoryBlock(byteCount: array.count)
    unsafe array.withUnsafeBytes { source in
      if let from = source.baseAddress {
        unsafe block.base.copyMemory(from: from, byteCount: source.count)
      }
    }
    unsafe self.init(owner: block, base: UnsafeRawPointer(block.base), count: array.count)
  }

  /// A copy of `values`' bytes.
  public init(_ values: [Float]) {
    let block = MemoryBlock(byteCount: values.count * 4)
    unsafe values.withUnsafeBytes { source in
      if let from = source.baseAddress {
        unsafe block.base.copyMemory(from: from, byteCount: source.count)
      }
    }
    unsafe self.init(owner: block, base: UnsafeRawPointer(block.base), count: values.count * 4)
  }

  /// The window on `range`, which must lie inside this one.
  public subscript(range: Range<Int>) -> Bytes {
    precondition(range.lowerBound >= 0 && range.upperBound <= count, "Bytes: slice out of bounds")
    return unsafe Bytes(owner: owner, base: base + range.lowerBound, count: range.count)
  }

  /// The byte at `index`, which must lie inside the window.
  public subscript(index: Int) -> UInt8 {
    precondition(index >= 0 && index < count, "Bytes: index out of bounds")
    return unsafe base.load(fromByteOffset: index, as: UInt8.self)
  }

  /// The little-endian number at `offset`, or nil where the window ends before it does.
  public func load<Number: FixedWidthInteger & BitwiseCopyable>(
    at offset: Int, as type: Number.Type = Number.self
  ) -> Number? {
    let size = MemoryLayout<Number>.size
    guard offset >= 0, offset <= count, count - offset >= size else { return nil }
    return unsafe Number(littleEndian: base.loadUnaligned(fromByteOffset: offset, as: Number.self))
  }

  /// The bytes as UTF-8 text, or nil where they are not valid UTF-8.
  public var text: String? {
    unsafe withUnsafeBytes { unsafe String(validating: $0, as: UTF8.self) }
  }

  /// Calls `body` with the raw bytes, valid during the call.
  @unsafe public func withUnsafeBytes<Result>(
    _ body: (UnsafeRawBufferPointer) throws -> Result
  ) rethrows -> Result {
    try unsafe body(UnsafeRawBufferPointer(start: base, count: count))
  }

  package var pointer: UnsafeRawPointer { unsafe base }
}
