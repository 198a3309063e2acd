import Foundation
import Synchronization

/// SHA-256 over bytes as they come, taken on another thread while the caller fetches the next or makes something of them.
///
/// The thread is its own, and as patient as its maker: a thread begins with the nice value of the one that starts it, so
/// that a load behind others does not hash before them.
public final class BackgroundDigest: Sendable {
  private let hashing = Hashing()

  /// A hasher that has seen nothing.
  /// - Parameter pausing: Called on its thread before the bytes of each `update`; returns when it may go on.
  public init(pausing: @escaping @Sendable () -> Void = {}) {
    Thread { [hashing] in hashing.untilFinished(pausing: pausing) }.start()
  }

  deinit { hashing.end() }

  /// Takes in the bytes that `bytes` points at, which stay as they are until `finish` has returned.
  @unsafe public func update(_ bytes: UnsafeRawBufferPointer) { unsafe hashing.take(bytes) }

  /// The digest of everything taken in, once that is done; nothing is taken in after.
  public func finish() -> Digest { hashing.finish() }
}

/// What the caller and the thread share.
private final class Hashing: Sendable {
  private struct Piece {
    let address: UInt
    let count: Int
  }

  private struct State: ~Copyable {
    var waiting: [Piece] = []
    var isEnding = false
    var digest: Digest?
  }

  private let state = Mutex(State())
  private let bell = DispatchSemaphore(value: 0)
  private let finished = DispatchSemaphore(value: 0)

  /// Bytes that stay until the digest is there.
  @unsafe func take(_ bytes: UnsafeRawBufferPointer) {
    let piece = Piece(address: UInt(bitPattern: bytes.baseAddress), count: bytes.count)
    state.withLock { $0.waiting.append(piece) }
    bell.signal()
  }

  /// Nothing is to come.
  func end() {
    state.withLock { $0.isEnding = true }
    bell.signal()
  }

  func finish() -> Digest {
    end()
    finished.wait()
    finished.signal()
    guard let digest = state.withLock({ $0.digest }) else {
      preconditionFailure("BackgroundDigest: the thread has ended without a digest")
    }
    return digest
  }

  /// The thread.
  func untilFinished(pausing: () -> Void) {
    var hasher = SHA256()
    var isEnding = false
    while !isEnding {
      bell.wait()
      let pieces: [Piece]
      (pieces, isEnding) = state.withLock { state in
        defer { state.waiting = [] }
        return (state.waiting, state.isEnding)
      }
      for piece in pieces {
        pausing()
        // Safe: whoever gives bytes keeps them until the digest is there.
        unsafe hasher.update(
          UnsafeRawBufferPointer(
            start: UnsafeRawPointer(bitPattern: piece.address), count: piece.count))
      }
    }
    let digest = hasher.finish()
    state.withLock { $0.digest = digest }
    finished.signal()
  }
}
