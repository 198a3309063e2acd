#if canImport(Glibc)
  import Glibc
#endif

/// A file mapped read-only into memory; unmapped with its last reference.
///
/// Only for files too large to copy: where another process cuts the file short, reading behind its new end raises SIGBUS,
/// which ends this one (the commands say so in a line). Replace such files by renaming new ones over them.
@safe public final class MappedFile: @unchecked Sendable {
  // Safe: the mapping is private and read-only, made once in init.
  private let base: UnsafeMutableRawPointer
  private let byteCount: Int

  /// Maps the file at `path`.
  /// - Throws: `TensorError` where it cannot be opened, is not a regular file, or is empty.
  public init(path: String) throws(TensorError) {
    let file = try RegularFile(path: path)
    byteCount = file.byteCount
    let address = unsafe mmap(nil, byteCount, PROT_READ, MAP_PRIVATE, file.descriptor, 0)
    guard unsafe address != MAP_FAILED, let mapped = unsafe address else {
      throw TensorError(.cannotMap, "cannot map '\(path)': \(systemMessage(errno))")
    }
    unsafe base = mapped
  }

  deinit { unsafe munmap(base, byteCount) }

  /// The whole file.
  public var bytes: Bytes {
    unsafe Bytes(owner: self, base: UnsafeRawPointer(base), count: byteCount)
  }
}

func systemMessage(_ code: Int32) -> String {
  unsafe String(cString: strerror(code))
}
