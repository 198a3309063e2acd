#if canImport(Glibc)
  import Glibc
#endif

/// A file that is written beside its place and moved there when it is whole: nobody ever sees half of it.
///
/// One process at a time writes for a place; what a killed one left is taken over by the next.
@safe public struct NewFile: ~Copyable {
  private let place: String
  private let descriptor: Int32
  private var part: String { place + ".part" }

  /// Begins the file that is to stand at `place`.
  /// - Throws: `TensorError` where it cannot be written, or another process is at it.
  public init(place: String) throws(TensorError) {
    let part = place + ".part"
    let descriptor = unsafe open(part, O_WRONLY | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0o644)
    guard descriptor >= 0 else { throw Self.failure(part) }
    // One that was moved or removed between the opening and the lock was another's.
    guard flock(descriptor, LOCK_EX | LOCK_NB) == 0, Self.stands(descriptor, at: part) else {
      close(descriptor)
      throw TensorError(.cannotWrite, "another process is writing '\(place)'; wait for it")
    }
    guard ftruncate(descriptor, 0) == 0 else {
      let failure = Self.failure(part)
      close(descriptor)
      throw failure
    }
    self.place = place
    self.descriptor = descriptor
  }

  deinit {
    if Self.stands(descriptor, at: part) { _ = unsafe unlink(part) }
    close(descriptor)
  }

  private static func stands(_ descriptor: Int32, at path: String) -> Bool {
    var (held, named) = (stat(), stat())
    return unsafe fstat(descriptor, &held) == 0 && lstat(path, &named) == 0
      && held.st_ino == named.st_ino
  }

  /// Writes `bytes` from `offset` on.
  /// - Throws: `TensorError`, such as where the disk is full.
  public func write(_ bytes: Bytes, at offset: Int) throws(TensorError) {
    var done = 0
    while done < bytes.count {
      let count = unsafe pwrite(
        descriptor, bytes.pointer + done, bytes.count - done, off_t(offset + done))
      if count < 0, errno == EINTR { continue }
      guard count > 0 else { throw Self.failure(part) }
      done += count
    }
  }

  /// Brings the file to the disk and to its place in one step.
  public func moveIntoPlace() throws(TensorError) {
    guard fsync(descriptor) == 0, unsafe rename(part, place) == 0 else {
      throw Self.failure(place)
    }
    // The name is safe once its folder is.
    let end = place.lastIndex(of: "/").map { place[..<$0] + "/" } ?? "."
    let folder = unsafe open(String(end), O_RDONLY | O_DIRECTORY | O_CLOEXEC)
    guard folder >= 0 else { throw Self.failure(place) }
    defer { close(folder) }
    guard fsync(folder) == 0 else { throw Self.failure(place) }
  }

  private static func failure(_ path: String) -> TensorError {
    TensorError(.cannotWrite, "cannot write '\(path)': \(systemMessage(errno))")
  }
}
