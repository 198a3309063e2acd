import Checkpoints
import Digests
import Foundation
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
    let facts = try FileFacts(path: url.path)
    return try registry.addBase(
      NewBase(
        fingerprint: fingerprint, name: try name ?? Workspace.baseName(url), path: url.path,
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
      throw WorkspaceError(.whichBase, "there are several bases (\(names)); name one with --base")
    }
    return first
  }

  /// The base's checkpoint, if it still is the one that was added.
  ///
  /// Size and time of change tell as a rule; where they differ, the fingerprint is computed again.
  func unchanged(_ record: BaseRecord) throws -> Checkpoint {
    let facts = record.facts
    guard let now = try? FileFacts(path: facts.path) else {
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

  /// A registry name made of a file's or folder's.
  private static func baseName(_ url: URL) throws -> String {
    let stem =
      url.pathExtension == "gguf"
      ? url.deletingPathExtension().lastPathComponent : url.lastPathComponent
    let name = stem.lowercased().map { character -> Character in
      character.isASCII && (character.isLetter || character.isNumber || "._-".contains(character))
        ? character : "-"
    }
    return try Reference.checkedName(String(name.drop { "._-".contains($0) }))
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

  init(path: String) throws {
    let manager = FileManager.default
    var isFolder: ObjCBool = false
    guard unsafe manager.fileExists(atPath: path, isDirectory: &isFolder) else {
      throw WorkspaceError(.baseChanged, "there is nothing at '\(path)'")
    }
    let paths =
      isFolder.boolValue
      ? try manager.contentsOfDirectory(atPath: path).sorted().map { path + "/" + $0 } : [path]
    var size = 0
    var modified = Date(timeIntervalSince1970: 0)
    for path in paths {
      let attributes = try manager.attributesOfItem(
        atPath: URL(fileURLWithPath: path).resolvingSymlinksInPath().path)
      size += (attributes[.size] as? NSNumber)?.intValue ?? 0
      modified = max(modified, attributes[.modificationDate] as? Date ?? modified)
    }
    self.size = size
    self.modified = modified
  }

  /// Whether the time of change is another; the registry keeps milliseconds.
  func isOther(than date: Date) -> Bool { abs(modified.timeIntervalSince(date)) > 0.002 }
}

extension Checkpoint {
  /// Values in all tensors.
  var parameterCount: Int { tensorNames.reduce(0) { $0 + (shape(of: $1)?.reduce(1, *) ?? 0) } }
}
