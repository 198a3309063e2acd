import Checkpoints
import Digests
import Foundation
import Glibc
import JSON
import Models
public import Registry
public import Tensors
import Tokenizers

extension Workspace {
  /// Registers the checkpoint at `path`, a Hugging Face folder or a GGUF file; nothing is copied.
  ///
  /// The whole checkpoint is read once for its fingerprint, and a weight that is not finite is refused. Adding the same
  /// again under the same name only refreshes where it lies.
  /// - Parameters:
  ///   - name: By default the file's or folder's name, in lower case.
  ///   - progress: Told what is being done.
  public func addBase(
    path: String, name: String? = nil, progress: (String) -> Void = { _ in }
  ) throws -> BaseRecord {
    let url = URL(fileURLWithPath: path).standardizedFileURL
    let checkpoint = try Checkpoint.open(path: url.path)
    progress("reading \(url.lastPathComponent) for its fingerprint")
    let fingerprint = checkpoint.fingerprint()
    try checkpoint.checkFinite(pool: pool)
    let tokenizer = try Tokenizer.load(checkpoint.tokenizerSource)
    guard let facts = try FileFacts(path: url.path) else {
      throw WorkspaceError(.baseChanged, "there is nothing at '\(url.path)' any more")
    }
    return try registry.addBase(
      NewBase(
        fingerprint: fingerprint, name: try name ?? Workspace.name(after: url.path), path: url.path,
        format: checkpoint.format.rawValue, size: facts.size, modified: facts.modified,
        architecture: checkpoint.configuration.architecture.rawValue,
        parameterCount: checkpoint.parameterCount,
        configuration: checkpoint.configuration.facts.text(.canonical),
        tokenizerDigest: Digest.of(tokenizer.digestBytes()),
        templateDigest: checkpoint.chatTemplate.map { Digest.of($0) }))
  }

  /// The base called `name`, in memory; loaded on first use.
  /// - Parameters:
  ///   - name: Nil where the registry has just one.
  ///   - weights: How its weights are held; by default `servingWeights`.
  /// - Throws: `WorkspaceError` where its files are gone or are not the ones that were added.
  public func openBase(_ name: String? = nil, weights: WeightFormat? = nil) throws -> LoadedBase {
    let record = try name.map { try registry.base($0) } ?? onlyBase()
    return try openBase(record, weights: weights ?? servingWeights)
  }

  func openBase(_ record: BaseRecord, weights: WeightFormat) throws -> LoadedBase {
    let key = BaseKey(fingerprint: record.facts.fingerprint, weights: weights)
    if let base = loadedBases[key] { return base }
    let checkpoint = try unchanged(record)
    let base = try LoadedBase(
      record: record, checkpoint: checkpoint, weights: weights,
      packed: try packedWeights(record, checkpoint, weights),
      adapterCapacityBytes: adapterCapacityBytes, pool: pool)
    loadedBases[key] = base
    return base
  }

  /// The registry's only base.
  public func onlyBase() throws -> BaseRecord {
    let bases = try registry.bases()
    guard let first = bases.first else {
      throw WorkspaceError(
        .whichBase,
        "the registry has no base yet; 'lorikeet base pull smollm2-135m-instruct' fetches one")
    }
    guard bases.count == 1 else {
      let names = bases.map(\.facts.name).joined(separator: ", ")
      throw WorkspaceError(
        .whichBase,
        "there are several bases (\(names)); name one of them, by --base where the command takes it"
      )
    }
    return first
  }

  /// The base's checkpoint, if it still is the one that was added.
  ///
  /// Size and time of change tell as a rule; where they differ, the fingerprint is computed again.
  func unchanged(_ record: BaseRecord) throws -> Checkpoint {
    let facts = record.facts
    guard let now = try FileFacts(path: facts.path) else {
      throw WorkspaceError(
        .baseChanged,
        "base '\(facts.name)' was at '\(facts.path)' and is gone; put it back, or add it again with "
          + "'lorikeet base add PATH --name \(facts.name)'")
    }
    let checkpoint = try Checkpoint.open(path: facts.path)
    guard now.size != facts.size || now.isOther(than: facts.modified) else { return checkpoint }
    guard checkpoint.fingerprint() == facts.fingerprint else {
      throw WorkspaceError(
        .baseChanged,
        "'\(facts.path)' is not the base '\(facts.name)' that was added: its fingerprint differs from "
          + "\(facts.fingerprint.short); adapters trained on it would not fit")
    }
    return checkpoint
  }

  /// A registry name made of that of the file or folder at `path`: small letters, with '-' for what no name may have.
  /// - Throws: `WorkspaceError` where none can be made of it.
  public static func name(after path: String) throws -> String {
    let url = URL(fileURLWithPath: path).standardizedFileURL
    let stem =
      url.pathExtension == "gguf"
      ? url.deletingPathExtension().lastPathComponent : url.lastPathComponent
    let name = stem.lowercased().map { character -> Character in
      character.isASCII && (character.isLetter || character.isNumber || "._-".contains(character))
        ? character : "-"
    }
    do { return try Reference.checkedName(String(name.drop { "._-".contains($0) })) } catch {
      throw WorkspaceError(
        .badRequest,
        "no name can be made of '\(abridged(url.lastPathComponent))'; give one with --name")
    }
  }
}

/// What a base in memory is found by.
struct BaseKey: Hashable {
  let fingerprint: Digest
  let weights: WeightFormat
}

/// Size and time of change of a file, or of all files of a folder.
struct FileFacts {
  let size: Int
  let modified: Date

  /// Nil where there is nothing at `path`.
  /// - Throws: `WorkspaceError` where that cannot be seen, with the system's reason.
  init?(path: String) throws {
    guard let top = try Self.look(at: path) else { return nil }
    var files = [top]
    if top.st_mode & S_IFMT == S_IFDIR {
      guard unsafe access(path, R_OK | X_OK) == 0 else { throw Self.unreadable(path) }
      files = try FileManager.default.contentsOfDirectory(atPath: path).compactMap {
        try Self.look(at: path + "/" + $0)
      }
    }
    size = files.reduce(0) { $0 + Int($1.st_size) }
    modified = files.reduce(Date(timeIntervalSince1970: 0)) { newest, file in
      let time = Double(file.st_mtim.tv_sec) + Double(file.st_mtim.tv_nsec) / 1e9
      return max(newest, Date(timeIntervalSince1970: time))
    }
  }

  /// What the system says of the file at `path`; nil where there is none.
  private static func look(at path: String) throws -> stat? {
    var facts = stat()
    if unsafe stat(path, &facts) == 0 { return facts }
    guard errno == ENOENT || errno == ENOTDIR else { throw unreadable(path) }
    return nil
  }

  private static func unreadable(_ path: String) -> WorkspaceError {
    WorkspaceError(
      .baseChanged,
      "'\(path)' cannot be read (\(unsafe String(cString: strerror(errno)))); see to it that it can"
    )
  }

  /// Whether the time of change is another; the registry keeps milliseconds.
  func isOther(than date: Date) -> Bool { abs(modified.timeIntervalSince(date)) > 0.002 }
}

extension Checkpoint {
  /// Values in all tensors.
  var parameterCount: Int { tensorNames.reduce(0) { $0 + (shape(of: $1)?.reduce(1, *) ?? 0) } }
}
