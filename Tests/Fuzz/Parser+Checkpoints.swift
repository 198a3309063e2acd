import Checkpoints
import Expect
import Foundation
import Lorikeet
import Models
import Tensors
import Tokenizers
import Toys

extension Parser {
  static func safetensors() throws -> Parser {
    Parser([
      Sample("written", try Fixtures.data("checkpoints/written.safetensors"), .safetensors),
      Sample(
        "adapter", try Fixtures.data("adapters/one-block/adapter_model.safetensors"), .safetensors),
    ]) { _, bytes in
      let file = try SafetensorsFile(parsing: Bytes(bytes))
      for tensor in file.tensors { _ = tensor.matrix(rows: 1, columns: tensor.count).values }
      let again = try SafetensorsFile(
        parsing: Bytes(SafetensorsFile.write(file.tensors, metadata: file.metadata)))
      try require(
        Set(again.tensors.map(\.name)) == Set(file.tensors.map(\.name)),
        "written again, it has other tensors")
    }
  }

  static func gguf() throws -> Parser {
    Parser([Sample("types", try Fixtures.data("checkpoints/types.gguf"), .binary)]) { _, bytes in
      let file = try GGUFFile(parsing: Bytes(bytes))
      for case .array(let array) in file.metadata.values { _ = try array.values() }
      for tensor in file.tensors { _ = tensor.matrix(rows: 1, columns: tensor.count).values }
    }
  }

  static func checkpointGGUF() throws -> Parser {
    let folder = try ScratchFolder()
    let samples = try ["llama2", "llama-bias", "qwen3"].map {
      Sample($0, try Fixtures.data("checkpoints/\($0).gguf"), .binary)
    }
    return Parser(samples, slowness: 2) { _, bytes in
      try folder.write(bytes, "model.gguf")
      try use(try Checkpoint.open(path: folder.path("model.gguf")))
    }
  }

  /// Every file of a folder with shards, one damaged at a time.
  static func checkpointFolder() throws -> Parser {
    let folder = try ScratchFolder()
    let model = Fixtures.url("models/smollm2-sharded")
    var samples: [Sample] = []
    for name in try FileManager.default.contentsOfDirectory(atPath: model.path).sorted() {
      let isWeights = name.hasSuffix(".safetensors")
      guard isWeights || name.contains("config") || name.contains("index") else { continue }
      let bytes = try Data(contentsOf: model.appendingPathComponent(name))
      samples.append(Sample(name, bytes, isWeights ? .safetensors : .json))
    }
    for (name, file) in [
      ("tokenizer.json", "tokenizers/gpt2.json"),
      ("tokenizer_config.json", "tokenizers/gpt2.config.json"),
    ] { samples.append(Sample(name, try Fixtures.data(file), .json)) }
    samples.append(
      Sample(
        "chat_template.jinja", try Fixtures.data("templates/chatml.jinja"),
        .text(pieces: Mutator.templatePieces)))
    for sample in samples { try folder.write(sample.bytes, sample.name) }
    return Parser(samples, slowness: 8) { sample, bytes in
      try folder.write(bytes, sample.name)
      defer { try? folder.write(sample.bytes, sample.name) }
      try use(try Checkpoint.open(path: folder.path("")))
    }
  }

  /// A base's packed file, damaged where loading the base finds it.
  static func packedBase() throws -> Parser {
    let folder = try ScratchFolder()
    try ToyBase.write(to: URL(fileURLWithPath: folder.path("toy")))
    let pool = WorkerPool(threads: 1)
    func workspace() throws -> Workspace {
      try Workspace(home: folder.path("home"), pool: pool)
    }
    let first = try workspace()
    let record = try first.addBase(path: folder.path("toy"), name: ToyBase.name)
    let file = try first.packBase(record, weights: .int8).file
    let name = "home/packed/" + URL(fileURLWithPath: file.path).lastPathComponent
    let sample = Sample("int8", try Data(contentsOf: URL(fileURLWithPath: file.path)), .binary)
    return Parser([sample], slowness: 8) { _, bytes in
      try folder.write(bytes, name)
      try use(try workspace().openBase(weights: .int8).model, pool)
    }
  }

  /// Loads all there is in a checkpoint, and runs it for a moment.
  private static func use(_ checkpoint: Checkpoint) throws {
    _ = checkpoint.fingerprint()
    let pool = WorkerPool(threads: 1)
    try? checkpoint.checkFinite(pool: pool)
    try use(try Model.load(checkpoint, pool: pool), pool)
    if let template = checkpoint.chatTemplate { try Parser.render(template) }
    // The fixtures' GGUF vocabularies are no more than samples of one.
    let source = try checkpoint.tokenizerSource
    if case .json = source { try Parser.use(try Tokenizer.load(source)) }
  }

  private static func use(_ model: Model, _ pool: WorkerPool) throws {
    var sequences = [DecodingSequence(cache: try model.makeCache(capacity: 4), pending: [0, 0, 0])]
    _ = try model.advance(
      &sequences, rowLimit: 8, updates: { _, _ in BatchUpdates() }, pool: pool,
      recycler: BufferRecycler())
  }
}
