import Adapters
import Digests
import Foundation
import Models
public import Registry
import Tensors

extension Workspace {
  /// Writes the version that `reference` names, or all of its adapter, with everything that belongs to them into one file.
  /// - Parameters:
  ///   - all: Whether all versions go; `reference` is a bare name then.
  ///   - replacing: Whether a file that is there gives way.
  public func exportBundle(
    _ reference: String, all: Bool = false, to file: String, replacing: Bool = false
  ) throws -> BundleExport {
    try registry.exportBundle(reference, all: all, to: file, replacing: replacing)
  }

  /// Takes in the bundle `file`, all of it or nothing.
  ///
  /// Each new version is read as an adapter of its base first: it fits, and its digest is its own, which keys every
  /// cache from then on.
  /// - Parameter name: What to call the adapter; nil keeps its name.
  /// - Throws: `RegistryError` where the file is no sound bundle, `AdapterError` where a version does not fit its base.
  public func importBundle(_ file: String, name: String? = nil) throws -> BundleImport {
    try registry.importBundle(file, name: name) { version, weights in
      let base = try openBase(registry.base(version.base), weights: .f32)
      let adapter = try Workspace.adapter(version, weights: Bytes(weights), on: base)
      guard adapter.digest == version.digest else {
        throw RegistryError(
          .damaged,
          "bundle '\(file)': \(version.reference) says digest \(version.digest.short) but is "
            + "\(adapter.digest.short); nothing was taken in: have it exported again")
      }
    }
  }
}
