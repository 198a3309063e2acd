import Glibc

/// A place where files from outside come in, with sound files to damage and what reads them.
struct Parser {
  let samples: [Sample]
  /// How many times fewer random cases it takes than others: parsers that sit on a disk are slow.
  let slowness: Int
  /// Reads damaged bytes in place of `sample`'s, and uses what it got as the program would.
  let read: (_ sample: Sample, _ bytes: [UInt8]) throws -> Void

  init(
    _ samples: [Sample], slowness: Int = 1, read: @escaping (Sample, [UInt8]) throws -> Void
  ) {
    self.samples = samples
    self.slowness = slowness
    self.read = read
  }
}

extension Parser {
  /// All parsers by name; a new one is a line here.
  static let all: [(name: String, make: @Sendable () throws -> Parser)] = [
    ("json", json), ("safetensors", safetensors), ("gguf", gguf),
    ("gguf-vocabulary", ggufVocabulary), ("checkpoint-gguf", checkpointGGUF),
    ("checkpoint-folder", checkpointFolder), ("packed-base", packedBase), ("tokenizer", tokenizer),
    ("template", template),
    ("adapter", adapter), ("module-pattern", modulePattern), ("prompt-contract", promptContract),
    ("recipe", recipe), ("dataset", dataset), ("training-state", trainingState),
    ("registry", registry), ("registry-rows", registryRows), ("bundle", bundle),
    ("bundle-rows", bundleRows), ("arguments", arguments), ("gate", gate),
    ("completion-body", completionBody), ("request-target", requestTarget), ("http", http),
  ]

  /// Parsers that are broken on purpose, so that the tests see every kind of fault being found.
  static let broken: [(name: String, make: @Sendable () throws -> Parser)] = [
    ("broken-trap", { broken { _ in preconditionFailure("on purpose") } }),
    ("broken-loop", { broken { _ in while sched_yield() == 0 {} } }),
    ("broken-hoard", { broken { _ = [UInt8](repeating: 1, count: 150_000_000 + $0.count) } }),
    ("broken-foreign", { broken { _ in throw CancellationError() } }),
  ]

  /// A parser that does something bad to files cut to ten bytes or more.
  private static func broken(_ harm: @escaping ([UInt8]) throws -> Void) -> Parser {
    Parser([Sample("bytes", Array(0..<40), .binary)]) { _, bytes in
      if (10..<40).contains(bytes.count) { try harm(bytes) }
    }
  }
}
