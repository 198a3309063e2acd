#if canImport(Glibc)
  import Glibc
#endif

/// An open file that is a file: no pipe, which would be waited for, and no device, which may never end.
public struct RegularFile: ~Copyable {
  let descriptor: Int32
  let path: String
  /// Bytes in the file when it was opened; at least one.
  let byteCount: Int

  /// Opens the file at `path` for reading.
  /// - Throws: `TensorError` where it cannot be opened, is not a regular file, or is empty.
  init(path: String) throws(TensorError) {
    // Without O_NONBLOCK, opening a pipe waits for whoever writes into it.
    let descriptor = unsafe open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK)
    guard descriptor >= 0 else {
      throw TensorError(.cannotOpen, "cannot open '\(path)': \(systemMessage(errno))")
    }
    do throws(TensorError) {
      byteCount = try RegularFile.size(descriptor, path)
    } catch {
      close(descriptor)
      throw error
    }
    self.descriptor = descriptor
    self.path = path
  }

  private static func size(_ descriptor: Int32, _ path: String) throws(TensorError) -> Int {
    var status = stat()
    guard unsafe fstat(descriptor, &status) == 0, status.st_mode & S_IFMT == S_IFREG else {
      throw TensorError(.cannotOpen, "'\(path)' is not a regular file")
    }
    guard status.st_size > 0 else { throw TensorError(.cannotMap, "'\(path)' is empty") }
    return Int(status.st_size)
  }

  deinit { close(descriptor) }
}

extension RegularFile {
  /// A copy of the bytes of the file at `path`: whoever cuts the file short later does not pull them from under us.
  /// - Throws: `TensorError` where it cannot be read, is not a regular file, is empty, or has more than `limit` bytes.
  public static func bytes(path: String, limit: Int = .max) throws(TensorError) -> [UInt8] {
    let file = try RegularFile(path: path)
    guard file.byteCount <= limit else {
      throw TensorError(
        .tooLarge,
        "'\(path)' has \(file.byteCount) bytes, more than the \(limit) that make sense")
    }
    return try file.read()
  }

  /// What the file holds now, up to the bytes that it had when it was opened.
  private func read() throws(TensorError) -> [UInt8] {
    var failure: Int32 = 0
    let bytes = unsafe [UInt8](unsafeUninitializedCapacity: byteCount) { buffer, filled in
      while filled < byteCount {
        let taken = unsafe Glibc.read(
          descriptor, UnsafeMutableRawPointer(buffer.baseAddress)?.advanced(by: filled),
          byteCount - filled)
        if taken < 0, errno == EINTR { continue }
        if taken < 0 { failure = errno }
        if taken <= 0 { break }
        filled += taken
      }
    }
    guard failure == 0 else {
      throw TensorError(.cannotOpen, "cannot read '\(path)': \(systemMessage(failure))")
    }
    return bytes
  }
}
