#if canImport(Glibc)
  import Glibc
#endif

/// Stands for `Synchronization.Mutex` in the tree that run.sh builds for ThreadSanitizer.
///
/// ThreadSanitizer sees an order between two threads where they call pthread functions, whose calls it intercepts. The
/// mutex of the standard library is a futex inside the Swift runtime, which is not instrumented: every value that one
/// guards would be reported as a race. A module that holds this file uses it in place of the imported one.
@safe struct Mutex<Value: ~Copyable>: ~Copyable, @unchecked Sendable {
  // Safe: `value` is touched only while `lock` is held, and both live from init to deinit.
  private let lock = UnsafeMutablePointer<pthread_mutex_t>.allocate(capacity: 1)
  private let value = UnsafeMutablePointer<Value>.allocate(capacity: 1)

  init(_ initial: consuming sending Value) {
    unsafe pthread_mutex_init(lock, nil)
    unsafe value.initialize(to: initial)
  }

  deinit {
    unsafe pthread_mutex_destroy(lock)
    unsafe value.deinitialize(count: 1)
    unsafe value.deallocate()
    unsafe lock.deallocate()
  }

  borrowing func withLock<Result: ~Copyable, E: Error>(
    _ body: (inout sending Value) throws(E) -> sending Result
  ) throws(E) -> sending Result {
    unsafe pthread_mutex_lock(lock)
    defer { unsafe pthread_mutex_unlock(lock) }
    return try unsafe body(&value.pointee)
  }
}
