import Registry
import Synchronization

/// A registry that is opened again where its file was replaced by another.
///
/// It has three connections: while a change waits for another process's, or weights are read little by little, everybody
/// else reads on.
final class RegistryPlace: Sendable {
  /// What the file held at a moment: another one after every change, whichever process made it, and after a replacement.
  struct Moment: Equatable {
    fileprivate let opening: Int
    fileprivate let version: Int
  }

  /// What a connection beside the reader's is for.
  private enum Use { case changing, loading }

  private struct Connections {
    var reader: Registry
    /// Opened when they are wanted.
    var others: [Use: Registry] = [:]
    /// How often the file was opened.
    var openings = 0
  }

  private let path: String
  private let connections: Mutex<Connections>

  init(_ registry: Registry) {
    path = registry.path
    connections = Mutex(Connections(reader: registry))
  }

  /// Runs `body` with the registry, to read; once more with the one that lies at the path now where it was replaced.
  func read<T>(_ body: (Registry) throws -> T) throws -> T {
    let registry = connections.withLock { $0.reader }
    do { return try body(registry) } catch let error as RegistryError where error.code == .replaced
    { return try body(try reopened().reader) }
  }

  /// Runs `body` with the registry, to write.
  func write<T>(_ body: (Registry) throws -> T) throws -> T { try use(.changing, body) }

  /// Runs `body` with the registry, to read weights.
  func load<T>(_ body: (Registry) throws -> T) throws -> T { try use(.loading, body) }

  private func use<T>(_ use: Use, _ body: (Registry) throws -> T) throws -> T {
    let registry = try connections.withLock { $0.others[use] } ?? opened(use)
    do { return try body(registry) } catch let error as RegistryError where error.code == .replaced
    {
      _ = try reopened()
      return try body(opened(use))
    }
  }

  /// What the file holds now.
  func moment() throws -> Moment {
    // The number means something to one connection only.
    let opening = connections.withLock { $0.openings }
    let version = try read { try $0.dataVersion() }
    return Moment(opening: opening, version: version)
  }

  private func opened(_ use: Use) throws -> Registry {
    let fresh = try Registry(path: path, create: false)
    connections.withLock { $0.others[use] = fresh }
    return fresh
  }

  private func reopened() throws -> Connections {
    let reader = try Registry(path: path, create: false)
    return connections.withLock { connections in
      connections = Connections(reader: reader, openings: connections.openings + 1)
      return connections
    }
  }
}
