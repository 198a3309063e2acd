/// SentencePiece's spelling of the space: "▁" (U+2581).
enum Metaspace {
  /// The UTF-8 bytes of the mark.
  static let mark: [UInt8] = [0xe2, 0x96, 0x81]

  /// When a mark is put before a text that has none.
  enum Prepending: String, Sendable, Equatable { case never, first, always }

  /// Whether a mark stands at `index`.
  @inline(__always)
  static func isMark(_ bytes: [UInt8], _ index: Int, _ limit: Int) -> Bool {
    limit - index >= 3 && bytes[index] == 0xe2 && bytes[index + 1] == 0x96
      && bytes[index + 2] == 0x81
  }
}
