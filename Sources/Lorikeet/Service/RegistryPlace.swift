import Registry
import Synchronization

/// A registry that is opened again where its file was replaced by another.
final class RegistryPlace: Sendable {
  private let path: String
  private let current: Mutex<Registry>

  init(_ registry: Registry) {
    path = registry.path
    current = Mutex(registry)
  }

  /// Runs `body` with the registry, and once more with the one that lies at the path now where it was replaced.
  func use<T>(_ body: (Registry) throws -> T) throws -> T {
    let registry = current.withLock { $0 }
    do { return try body(registry) } catch let error as RegistryError where error.code == .replaced
    {
      let fresh = try Registry(path: path, create: false)
      current.withLock { $0 = fresh }
      return try body(fresh)
    }
  }

  /// A number that is another after every change, whichever process made it.
  func version() throws -> Int { try use { try $0.dataVersion() } }
}
