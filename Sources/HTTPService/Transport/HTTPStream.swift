/// The body of an answer that is written bit by bit, from any thread.
///
/// What is written after the end or after the client has left is dropped. A stream that is dropped without an end is
/// aborted.
public final class HTTPStream: Sendable {
  private let answer: Answer

  init(_ answer: Answer) { self.answer = answer }

  deinit { answer.end(.aborted) }

  /// Sends `bytes` after those before; returns at once. A client that does not take them is cut off once more than
  /// `maximumUnsentBytes` wait for it, or after `stallSeconds`.
  public func write(_ bytes: [UInt8]) { answer.write(bytes) }

  /// Ends the body.
  public func finish() { answer.end(.finished) }

  /// Cuts the connection after what was written, without the body's end, so that the client sees that some is missing.
  public func abort() { answer.end(.aborted) }
}
