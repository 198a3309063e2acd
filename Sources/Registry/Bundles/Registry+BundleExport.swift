import Foundation

/// What an export wrote.
public struct BundleExport: Sendable, Hashable {
  /// The versions in the bundle, oldest first.
  public let versions: [VersionRecord]
  /// Bytes of the file.
  public let size: Int
}

extension Registry {
  /// Writes the version that `reference` names, or all of its adapter, with everything that belongs to them into one file.
  ///
  /// A bundle is a file of the registry's own tables: base, adapter, versions, weights, the runs that made them with
  /// curves, digests and datasets, evaluations with answers, tags, notes, and where the adapter's aliases point. Of paths it has
  /// the last words only, and of processes nothing: neither means anything elsewhere. A recipe stands as it was written.
  /// The file is written beside its place, read back, brought to the disk and then moved there.
  /// - Parameters:
  ///   - all: Whether all versions go; `reference` is a bare name then.
  ///   - replacing: Whether a file that is there gives way.
  @discardableResult
  public func exportBundle(
    _ reference: String, all: Bool = false, to file: String, replacing: Bool = false
  ) throws -> BundleExport {
    let reference = try Self.checkedSubject(reference, all: all)
    try checkPlace(file, replacing: replacing)
    let scratch = ScratchFile(for: file)
    do {
      let bundle = try Database(path: scratch.path, busyTimeout: 0)
      // Small pages: there are many tables, and in a bundle most of them have few rows.
      try bundle.run("PRAGMA page_size = 4096")
      try Schema.lay(Schema.migrations.count, for: Schema.bundleID, in: bundle)
    }
    try fill(scratch.path, with: reference, all: all)
    let versions = try readBack(scratch.path, calledBy: file)
    try scratch.moveIntoPlace()
    let attributes = try? FileManager.default.attributesOfItem(atPath: file)
    return BundleExport(
      versions: versions, size: (attributes?[.size] as? NSNumber)?.intValue ?? 0)
  }

  /// The versions in the bundle just written, every blob read and checked as an import would.
  private func readBack(_ path: String, calledBy file: String) throws -> [VersionRecord] {
    do {
      return try AdapterBundle(path, calledBy: file).reading { bundle in
        let contents = try bundle.telling { try self.contents(of: bundle.database) }
        for digest in contents.blobs { _ = try bundle.blob(digest) }
        return contents.versions.map(\.record)
      }
    } catch let error as RegistryError where error.code == .damaged {
      throw RegistryError(
        .damaged,
        "what would be in \(error.message); 'lorikeet verify' tells what is damaged in '\(self.path)'"
      )
    }
  }

  private static func checkedSubject(_ text: String, all: Bool) throws -> Reference {
    let reference = try Reference(text)
    guard case .adapter(_, let selector) = reference else {
      throw RegistryError(.badArgument, "'base' is the base without an adapter; name an adapter")
    }
    guard !all || selector == .preferred else {
      throw RegistryError(
        .badArgument, "'\(reference)' names one version; for all of them give the name alone")
    }
    return reference
  }

  /// Copies what belongs to `reference` into the empty bundle at `path`, all of it from one state of the registry.
  ///
  /// By a connection of its own, so that nobody waits for it.
  private func fill(_ path: String, with reference: Reference, all: Bool) throws {
    let database = try Database(path: self.path, create: false, busyTimeout: 10_000)
    try database.run("ATTACH ? AS bundle", [.text(path)])
    // What a crash leaves of it is thrown away, and it is brought to the disk before it is moved.
    try database.run("PRAGMA bundle.synchronous = OFF")
    try database.snapshot {
      let version = try version(reference, in: database)
      let key = [
        SQLValue(try adapter(version.adapter, in: database)),
        all ? .null : SQLValue(version.number),
      ]
      try database.run(Self.copyVersions, key)
      for statement in Self.copies { try database.run(statement) }
    }
  }
}
