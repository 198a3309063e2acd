public import Foundation
import Registry
public import Serving
import Synchronization
import Tensors

/// How a base is served.
public struct ServiceOptions: Sendable {
  /// The most bytes of adapters, of the caches of requests and of cached prefixes, together; nil for 2 GB, or three quarters of
  /// what the machine has left beside the base where that is less.
  public var memoryBytes: Int?
  /// Requests that are answered together, and that may wait.
  public var limits = EngineLoop.Limits()
  /// The most tokens of an answer whose request names no number.
  public var maximumTokens = 1024
  /// Seconds after which a request is given up.
  public var patience = 600.0
  /// Seconds between two looks at the registry for what other processes have changed.
  public var watchSeconds = 0.25

  /// The defaults.
  public init() {}

  /// `memoryBytes`, or its default where the machine has `left` bytes.
  package func memoryBytes(left: Int?) -> Int {
    memoryBytes ?? min(2 << 30, left.map { $0 / 4 * 3 } ?? .max)
  }
}

/// One base in memory, and every adapter of the registry over it, for any number of threads.
///
/// A reference is looked up in the registry when a request comes, so an alias that has moved, in whatever process, leads
/// to the new version at once; requests in flight finish on the one they began with, whose memory goes with the last of
/// them. Nothing is kept by name.
public final class Service: Sendable {
  /// What is served.
  public let base: LoadedBase
  /// How it is served.
  public let options: ServiceOptions
  /// The most bytes beside the base.
  public var memoryBytes: Int { base.adapters.budget.capacity }
  /// Bytes that the machine had left beside the base at the start; nil where the system does not say.
  public let memoryLeft: Int?
  /// The engine at work.
  public let loop: EngineLoop
  /// When it began.
  public let started = Date()
  let place: RegistryPlace
  let moves = Mutex(Moves())
  private let isWatching = Atomic(true)

  init(base: LoadedBase, registry: Registry, options: ServiceOptions, memoryLeft: Int?) {
    self.base = base
    self.options = options
    self.memoryLeft = memoryLeft
    place = RegistryPlace(registry)
    loop = EngineLoop(engine: base.engine, adapters: base.adapters, limits: options.limits)
  }

  /// Takes no more requests, and returns when those that came are answered.
  public func drain() {
    isWatching.store(false, ordering: .relaxed)
    loop.drain()
  }

  /// Ends at once: answers that are being made end where they are.
  public func stop() {
    isWatching.store(false, ordering: .relaxed)
    loop.stop()
  }

  /// Looks at the registry now and then until the service ends.
  func watch() {
    let thread = Thread { [weak self] in
      var seen = (try? self?.place.moment()) ?? nil
      while let service = self, service.isWatching.load(ordering: .relaxed) {
        if let now = try? service.place.moment(), now != seen {
          seen = now
          service.refresh()
        } else if service.moves.withLock({ $0.isUnsettled && $0.coming.isEmpty }) {
          service.refresh(again: true)
        }
        Thread.sleep(forTimeInterval: service.options.watchSeconds)
      }
    }
    thread.name = "lorikeet-watch"
    thread.start()
  }
}

extension Workspace {
  /// Begins to serve a base off this workspace, which must live as long as the service and do nothing else meanwhile.
  /// - Parameter name: The base; nil where the registry has just one.
  public func serve(_ name: String? = nil, options: ServiceOptions = ServiceOptions()) throws
    -> Service
  {
    let record = try name.map { try registry.base($0) } ?? onlyBase()
    // In memory a base takes about as many bytes as its file.
    let left = AvailableMemory().bytes.map { max(0, $0 - record.facts.size) }
    adapterCapacityBytes = options.memoryBytes(left: left)
    let service = Service(
      base: try openBase(record, weights: servingWeights), registry: registry, options: options,
      memoryLeft: left)
    service.watch()
    return service
  }
}
