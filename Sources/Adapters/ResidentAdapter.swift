public import Digests
public import Foundation
public import Models

/// An adapter as it stays in memory while it may answer: what forward passes over one model read of it, and who it is.
public struct ResidentAdapter: Sendable {
  /// The adapter's digest.
  public let digest: Digest
  /// The base that it was made for.
  public let baseFingerprint: Digest
  /// How prompts are made, as canonical JSON; not read here.
  public let promptContract: Data
  /// What it does to the base.
  public let updates: ResidentUpdates

  /// `adapter`, made ready for `model`; nothing of it is kept that forward passes do not read.
  public init(_ adapter: Adapter, for model: Model) {
    digest = adapter.digest
    baseFingerprint = adapter.baseFingerprint
    promptContract = adapter.promptContract
    updates = ResidentUpdates(adapter.updates, for: model)
  }

  /// Bytes that it takes in memory.
  public var byteCount: Int { updates.byteCount }
}
