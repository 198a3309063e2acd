#if canImport(Glibc)
  import Glibc
#endif

/// A file mapped read-only into memory; unmapped with its last reference.
@safe public final class MappedFile: @unchecked Sendable {
  // Safe: the mapping is private and read-only, made once in init.
  private let base: UnsafeMutableRawPointer
  private let byteCount: Int

  /// Maps the file at `path`.
  /// - Throws: `TensorError` where it cannot be opened, is not a regular file, or is empty.
  public init(path: String) throws(TensorError) {
    let descriptor = unsafe open(path, O_RDONLY | O_CLOEXEC)
    guard descriptor >= 0 else {
      throw TensorError(.cannotOpen, "cannot open '\(path)': \(systemMessage(errno))")
    }
    defer { close(descriptor) }
    var status = stat()
    guard unsafe fstat(descriptor, &status) == 0, status.st_mode & S_IFMT == S_IFREG else {
      throw TensorError(.cannotOpen, "'\(path)' is not a regular file")
    }
    guard status.st_size > 0 else { throw TensorError(.cannotMap, "'\(path)' is empty") }
    byteCount = Int(status.st_size)
    let address = unsafe mmap(nil, byteCount, PROT_READ, MAP_PRIVATE, descriptor, 0)
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
