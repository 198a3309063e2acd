/// A sound file that damage starts from.
struct Sample {
  /// How its bytes are read: which damage goes deeper than any byte would.
  enum Syntax {
    /// Numbers at fixed places.
    case binary
    /// Eight bytes of length, that much JSON, then tensors.
    case safetensors
    /// JSON, or lines of it.
    case json
    /// Words and signs; these pieces are put in.
    case text(pieces: [String])
  }

  /// What it is called, where a parser has several files.
  let name: String
  let bytes: [UInt8]
  let syntax: Syntax

  init(_ name: String, _ bytes: some Sequence<UInt8>, _ syntax: Syntax) {
    self.name = name
    self.bytes = Array(bytes)
    self.syntax = syntax
  }
}
