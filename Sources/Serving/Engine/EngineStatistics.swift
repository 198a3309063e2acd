/// What an engine has done since it started, and how it stands.
public struct EngineStatistics: Sendable, Equatable {
  /// Requests that are being answered.
  public var running = 0
  /// Requests that wait for a place, or for memory.
  public var waiting = 0
  /// Requests that wait for their adapter to be loaded.
  public var loading = 0
  /// Steps.
  public var steps = 0
  /// Requests that the steps fed, added up: over `steps`, the mean size of a batch.
  public var fedRequests = 0
  /// Tokens of prompts that were computed.
  public var promptTokens = 0
  /// Tokens of prompts whose keys and values were at hand.
  public var cachedTokens = 0
  /// Tokens made.
  public var generatedTokens = 0
  /// Seconds spent in steps.
  public var busySeconds = 0.0
  /// Bytes of cached prefixes.
  public var prefixBytes = 0

  /// Nothing yet.
  public init() {}
}
