import Digests
public import Foundation
public import Registry
public import Tensors

/// The front door: a registry, the bases it knows, and everything that is done with both.
///
/// Every command and every route is one call here. A workspace belongs to one thread; the registry and the adapters
/// that it hands out may be used from any.
public final class Workspace {
  /// The program's name and version, as runs and evaluations record it.
  public static let program = "lorikeet 0.1.0"
  /// Where bases and, by default, the registry lie.
  public let home: URL
  /// The registry.
  public let registry: Registry
  /// The threads that do the work.
  public let pool: WorkerPool
  private let ownsPool: Bool
  /// The most bytes of adapter weights to hold in memory.
  public var adapterCapacityBytes = 1 << 30
  /// How a base's weights are held to answer and to evaluate.
  public var servingWeights = WeightFormat.serving
  /// Told what a person should know of a base that is loaded.
  public var note: (String) -> Void = { _ in }
  var loadedBases: [BaseKey: LoadedBase] = [:]

  /// Opens the workspace at `home`, by default `LORIKEET_HOME` or `~/.lorikeet`, and its registry.
  /// - Parameters:
  ///   - registry: The registry's file, by default `registry.sqlite` in the home folder.
  ///   - pool: Threads to share; by default the workspace has its own, which end with it.
  /// - Throws: `WorkspaceError` where the folder cannot be made, `RegistryError` where the file is no registry.
  public init(home: String? = nil, registry: String? = nil, pool: WorkerPool? = nil) throws {
    let folder = home ?? Workspace.defaultHome
    self.home = URL(fileURLWithPath: folder, isDirectory: true).standardizedFileURL
    do {
      try FileManager.default.createDirectory(at: self.home, withIntermediateDirectories: true)
    } catch {
      throw WorkspaceError(
        .cannotWrite,
        "cannot make the folder '\(folder)'; set LORIKEET_HOME to one you may write to")
    }
    self.registry = try Registry(path: registry ?? Workspace.registryPath(home: folder))
    ownsPool = pool == nil
    self.pool = pool ?? WorkerPool()
    try self.registry.markInterruptedRuns()
  }

  deinit {
    if ownsPool { pool.shutDown() }
  }

  /// The registry's file in the folder `home`, by default `defaultHome`.
  public static func registryPath(home: String? = nil) -> String {
    URL(fileURLWithPath: home ?? defaultHome, isDirectory: true).standardizedFileURL
      .appendingPathComponent("registry.sqlite").path
  }

  /// `LORIKEET_HOME`, or `~/.lorikeet`.
  public static var defaultHome: String {
    if let home = ProcessInfo.processInfo.environment["LORIKEET_HOME"], !home.isEmpty {
      return home
    }
    // Foundation asks the password file; a shell's `~` is HOME.
    if let home = ProcessInfo.processInfo.environment["HOME"], !home.isEmpty {
      return URL(fileURLWithPath: home, isDirectory: true).appendingPathComponent(".lorikeet").path
    }
    return FileManager.default.homeDirectoryForCurrentUser.appendingPathComponent(".lorikeet").path
  }
}
