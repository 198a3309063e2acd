import Checkpoints
import Digests
import Foundation
public import Registry
public import Tensors

/// A file with a base's weights as the kernels read them, which loading maps in place of packing them.
public struct PackedBase: Sendable, Equatable {
  /// How the weights are held.
  public let weights: WeightFormat
  /// Where the file lies, in the workspace's home.
  public let path: String
  /// Bytes of the file.
  public let size: Int
}

/// What packing a base took, and what it spares.
public struct PackingReport: Sendable {
  /// The file.
  public let file: PackedBase
  /// Seconds to pack, write and check it.
  public let seconds: Double
  /// Seconds of that for packing alone, which each load took so far.
  public let packing: Double
  /// Seconds to map and check it, beside which a load does its other work.
  public let mapping: Double
}

extension Workspace {
  /// Writes the weights of `record`'s checkpoint, packed, into the home, whence each later load maps them.
  ///
  /// One matrix is held at a time. The file appears whole, or not at all.
  /// - Throws: `WorkspaceError` where the base is not the one that was added or `weights` are not packed, `TensorError`
  ///   where the home cannot be written.
  public func packBase(_ record: BaseRecord, weights: WeightFormat) throws -> PackingReport {
    guard weights != .f32 else {
      throw WorkspaceError(
        .badRequest, "floats are mapped as they are and never packed; give bf16, int8 or native")
    }
    let checkpoint = try unchanged(record)
    let path = packedPath(record, weights)
    do {
      try FileManager.default.createDirectory(
        at: path.deletingLastPathComponent(), withIntermediateDirectories: true)
    } catch {
      throw WorkspaceError(
        .cannotWrite,
        "cannot make the folder '\(path.deletingLastPathComponent().path)'; packed bases lie in the home, which "
          + "must be one you may write to")
    }
    let began = ContinuousClock.now
    let written = try PackedWeights.write(
      checkpoint, fingerprint: record.fingerprint, weights: weights, to: path.path, pool: pool)
    let mapped = ContinuousClock.now
    _ = try packedWeights(record, checkpoint, weights)?.check()
    return PackingReport(
      file: PackedBase(weights: weights, path: path.path, size: written.size),
      seconds: began.duration(to: .now) / .seconds(1), packing: written.packing / .seconds(1),
      mapping: mapped.duration(to: .now) / .seconds(1))
  }

  /// The packed files of a base.
  public func packedBases(of record: BaseRecord) -> [PackedBase] {
    WeightFormat.allCases.compactMap { weights in
      let path = packedPath(record, weights).path
      let size = try? FileManager.default.attributesOfItem(atPath: path)[.size] as? Int
      return size.map { PackedBase(weights: weights, path: path, size: $0) }
    }
  }

  /// Takes the packed files of a base away, those of `weights` only where it is not nil, and what a killed packing left of one;
  /// whoever has one mapped keeps it.
  /// - Returns: What was there.
  @discardableResult
  public func removePacked(_ record: BaseRecord, weights: WeightFormat? = nil) throws
    -> [PackedBase]
  {
    let files = packedBases(of: record).filter { weights == nil || $0.weights == weights }
    for file in files { try FileManager.default.removeItem(atPath: file.path) }
    for format in WeightFormat.allCases where weights == nil || format == weights {
      let place = packedPath(record, format).path
      // Whoever begins the file anew and does not end it takes it away; one that is being written stays.
      if FileManager.default.fileExists(atPath: place + ".part") { _ = try? NewFile(place: place) }
    }
    return files
  }

  /// The packed weights of a base, or nil where there are none, or others, which is told.
  func packedWeights(_ record: BaseRecord, _ checkpoint: Checkpoint, _ weights: WeightFormat)
    throws -> PackedWeights?
  {
    let path = packedPath(record, weights).path
    guard FileManager.default.fileExists(atPath: path) else { return nil }
    do throws(FormatError) {
      return try PackedWeights(
        path: path, of: checkpoint, fingerprint: record.fingerprint, weights: weights)
    } catch {
      guard error.code == .unsupported else { throw error }
      note("left aside: \(error.message)")
      return nil
    }
  }

  private func packedPath(_ record: BaseRecord, _ weights: WeightFormat) -> URL {
    home.appendingPathComponent("packed/\(record.fingerprint.hex)-\(weights.rawValue).packed")
  }
}
