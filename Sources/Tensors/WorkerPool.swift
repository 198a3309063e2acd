import CKernels
import Synchronization

#if canImport(Glibc)
  import Glibc
#endif

/// Threads that share out the items of one job at a time.
///
/// The caller works too, so a pool of n threads starts n - 1. Idle workers spin briefly, because the next job
/// usually follows within microseconds, and then sleep. Which thread runs which item is open: an item must write
/// only what no other item of the job writes, and then results do not depend on the number of threads.
///
/// BLAS is told to use one thread for a call; its calls are split here instead, so that the two never fight
/// for cores.
@safe public final class WorkerPool: @unchecked Sendable {
  // Safe: `job` is written only while no worker is inside one (see `forEach`), and `signals` and `shares` are there until the last
  // thread has ended; what they hold is atomic.
  /// Behind pointers: whoever counts a reference to the pool would take the cache line from the threads that wait for a job.
  private let signals: UnsafeMutablePointer<Signals>
  /// One a thread.
  private let shares: UnsafeMutablePointer<Share>
  private var job: ((Int) -> Void)?
  private let alarm = Alarm()
  private var workers: [pthread_t] = []
  /// Threads in all, the caller's included.
  public let threads: Int

  /// Rounds a worker spins before it sleeps: about 50 microseconds.
  private static let spins = 2_000

  /// A pool of `threads` threads; by default as many as the process may run on, or `LORIKEET_THREADS`.
  public init(threads: Int = WorkerPool.defaultThreads) {
    self.threads = max(1, min(threads, 256))
    unsafe signals = .allocate(capacity: 1)
    unsafe signals.initialize(to: Signals())
    unsafe shares = .allocate(capacity: self.threads)
    for place in 0..<self.threads { unsafe (shares + place).initialize(to: Share()) }
    OpenBLAS.prepared
    for place in 1..<max(self.threads, 1) {
      var thread = pthread_t()
      let context = unsafe Unmanaged.passRetained(WorkerContext(self, place))
      let failed = unsafe pthread_create(
        &thread, nil,
        { argument in
          guard let argument = unsafe argument else { return nil }
          let context = unsafe Unmanaged<WorkerContext>.fromOpaque(argument).takeRetainedValue()
          context.pool.work(at: context.place)
          return nil
        }, context.toOpaque())
      if failed == 0 {
        workers.append(thread)
      } else {
        unsafe context.release()
      }
    }
  }

  /// The processors this process may run on, unless `LORIKEET_THREADS` says otherwise.
  public static var defaultThreads: Int {
    if let text = unsafe getenv("LORIKEET_THREADS"), let wish = unsafe Int(String(cString: text)),
      wish > 0
    {
      return wish
    }
    return processors
  }

  /// The processors this process may run on.
  public static var processors: Int { max(1, Int(ck_cpu_count())) }

  /// Calls `body` once for each index below `count`, on several threads, and returns when all calls have.
  ///
  /// Not to be called from inside a body, nor from two threads at once.
  public func forEach(_ count: Int, _ body: (Int) -> Void) {
    guard count > 1, threads > 1 else {
      for index in 0..<max(count, 0) { body(index) }
      return
    }
    withoutActuallyEscaping(body) { body in
      job = body
      for place in 0..<threads {
        unsafe shares[place].next.store(place * count / threads, ordering: .relaxed)
        unsafe shares[place].end.store((place + 1) * count / threads, ordering: .relaxed)
      }
      let now = unsafe signals.pointee.epoch.load(ordering: .relaxed) + 1
      unsafe signals.pointee.openEpoch.store(now, ordering: .sequentiallyConsistent)
      unsafe signals.pointee.epoch.store(now, ordering: .sequentiallyConsistent)
      if unsafe signals.pointee.sleepers.load(ordering: .sequentiallyConsistent) > 0 {
        alarm.ring()
      }
      runItems(body, from: 0)
      unsafe signals.pointee.openEpoch.store(0, ordering: .sequentiallyConsistent)
      while unsafe signals.pointee.inside.load(ordering: .sequentiallyConsistent) > 0 {
        ck_pause()
      }
      job = nil
    }
  }

  /// Calls `body` for consecutive ranges of `size` that cover `0..<count`; the last may be shorter.
  public func forBlocks(of size: Int, in count: Int, _ body: (Range<Int>) -> Void) {
    forEach((count + size - 1) / size) { block in
      body(block * size..<min(count, (block + 1) * size))
    }
  }

  /// A thread takes its own share first, items one after the other: neighbours lie side by side in memory, and each
  /// thread reads one long stream. Then it helps with what is left of the others' shares.
  private func runItems(_ body: (Int) -> Void, from place: Int) {
    for offset in 0..<threads {
      let share = unsafe shares + (place + offset) % threads
      let end = unsafe share.pointee.end.load(ordering: .relaxed)
      while true {
        let index = unsafe share.pointee.next.wrappingAdd(1, ordering: .relaxed).oldValue
        if index >= end { break }
        body(index)
      }
    }
  }

  /// A worker's life: wait for a new epoch; join its job if that is still open; again.
  ///
  /// A worker counts itself inside before it asks whether the job is open, and the caller closes the job before
  /// it asks whether anyone is inside, so no worker runs a job that its caller has left.
  fileprivate func work(at place: Int) {
    var seen = 0
    while waitForEpoch(after: &seen) {
      unsafe signals.pointee.inside.wrappingAdd(1, ordering: .sequentiallyConsistent)
      if unsafe signals.pointee.openEpoch.load(ordering: .sequentiallyConsistent) == seen, let job {
        runItems(job, from: place)
      }
      unsafe signals.pointee.inside.wrappingSubtract(1, ordering: .sequentiallyConsistent)
    }
  }

  private func waitForEpoch(after seen: inout Int) -> Bool {
    var rounds = 0
    while true {
      if unsafe signals.pointee.stopping.load(ordering: .acquiring) { return false }
      let now = unsafe signals.pointee.epoch.load(ordering: .acquiring)
      if now != seen {
        seen = now
        return true
      }
      rounds += 1
      if rounds < WorkerPool.spins {
        ck_pause()
        continue
      }
      unsafe signals.pointee.sleepers.wrappingAdd(1, ordering: .sequentiallyConsistent)
      let last = seen
      alarm.sleep(while: {
        unsafe signals.pointee.epoch.load(ordering: .sequentiallyConsistent) == last
          && !signals.pointee.stopping.load(ordering: .sequentiallyConsistent)
      })
      unsafe signals.pointee.sleepers.wrappingSubtract(1, ordering: .sequentiallyConsistent)
      rounds = 0
    }
  }

  /// Ends the workers; the pool still works afterwards, on the caller's thread alone.
  public func shutDown() {
    unsafe signals.pointee.stopping.store(true, ordering: .sequentiallyConsistent)
    alarm.ring()
    for thread in workers { pthread_join(thread, nil) }
    workers = []
  }

  deinit {
    unsafe signals.deinitialize(count: 1)
    unsafe signals.deallocate()
    unsafe shares.deinitialize(count: threads)
    unsafe shares.deallocate()
  }
}

/// What the threads tell each other.
private struct Signals: ~Copyable {
  /// The number of the last job.
  let epoch = Atomic<Int>(0)
  /// The same, while workers may join it.
  let openEpoch = Atomic<Int>(0)
  let sleepers = Atomic<Int>(0)
  let stopping = Atomic<Bool>(false)
  /// What workers write lies on another cache line than what they wait for.
  private let padding = InlineArray<12, Int>(repeating: 0)
  /// Workers that may be in a job.
  let inside = Atomic<Int>(0)
  private let paddingBehind = InlineArray<15, Int>(repeating: 0)
}

/// The items of a job that one thread takes first.
private struct Share: ~Copyable {
  let next = Atomic<Int>(0)
  let end = Atomic<Int>(0)
  /// No two shares lie on one cache line.
  private let padding = InlineArray<14, Int>(repeating: 0)
}

private final class WorkerContext {
  let pool: WorkerPool
  let place: Int
  init(_ pool: WorkerPool, _ place: Int) {
    self.pool = pool
    self.place = place
  }
}
