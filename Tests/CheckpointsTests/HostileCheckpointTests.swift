import Checkpoints
import Expect
import Foundation
import Tensors
import Testing

/// Folders and weights that mean harm.
@Suite("Hostile checkpoints") struct HostileCheckpointTests {
  /// A copy of the fixture `name` that `change` may alter, opened and asked for its tokenizer.
  private func open(
    _ name: String = "smollm2-sharded", _ change: (URL) throws -> Void
  ) throws -> Checkpoint {
    let folder = FileManager.default.temporaryDirectory.appendingPathComponent(
      "lorikeet-hostile-\(UUID().uuidString)")
    try FileManager.default.copyItem(at: Fixtures.url("models/\(name)"), to: folder)
    defer { try? FileManager.default.removeItem(at: folder) }
    try change(folder)
    let checkpoint = try Checkpoint.open(path: folder.path)
    _ = try checkpoint.tokenizerSource
    return checkpoint
  }

  static let files = [
    "config.json", "generation_config.json", "model.safetensors.index.json",
    "model-00002-of-00004.safetensors", "model.safetensors", "tokenizer.json",
    "tokenizer_config.json", "chat_template.jinja", "chat_template.json",
  ]

  @Test(
    "a pipe in the place of any file is refused instead of waited for",
    arguments: files)
  func pipes(file: String) {
    let error = #expect(throws: FormatError.self) {
      try open { folder in
        let path = folder.appendingPathComponent(file).path
        try? FileManager.default.removeItem(atPath: path)
        #expect(unsafe mkfifo(path, 0o600) == 0)
      }
    }
    #expect(
      error?.message.contains("\(file)' is not a regular file") == true, "\(error?.message ?? "")")
  }

  @Test(
    "a link to a device that never ends is refused", arguments: files)
  func devices(file: String) {
    let error = #expect(throws: FormatError.self) {
      try open { folder in
        let path = folder.appendingPathComponent(file).path
        try? FileManager.default.removeItem(atPath: path)
        try FileManager.default.createSymbolicLink(
          atPath: path, withDestinationPath: "/dev/zero")
      }
    }
    #expect(
      error?.message.contains("\(file)' is not a regular file") == true, "\(error?.message ?? "")")
  }

  @Test("a shard that is a link to itself is refused")
  func loop() {
    let shard = "model-00002-of-00004.safetensors"
    let error = #expect(throws: FormatError.self) {
      try open { folder in
        let path = folder.appendingPathComponent(shard).path
        try FileManager.default.removeItem(atPath: path)
        try FileManager.default.createSymbolicLink(atPath: path, withDestinationPath: shard)
      }
    }
    #expect(error?.message.contains(shard) == true && error?.code == .cannotOpen)
  }

  @Test("a text of a terabyte is refused before any of it is read")
  func sparse() {
    let error = #expect(throws: FormatError.self) {
      try open { folder in
        let file = folder.appendingPathComponent("tokenizer.json")
        try Data().write(to: file)
        try FileHandle(forWritingTo: file).truncate(atOffset: 1 << 40)
      }
    }
    #expect(error?.message.contains("more than the 268435456 that make sense") == true)
  }

  @Test(
    "a weight that is no number is named with its tensor and place",
    arguments: [
      ("smollm2", Float.nan, "NaN"), ("smollm2", .infinity, "inf"), ("smollm2", -.infinity, "-inf"),
      ("smollm2-f16", .nan, "NaN"), ("smollm2-bf16", .infinity, "inf"),
    ] as [(String, Float, String)])
  func notFinite(model: String, value: Float, shown: String) throws {
    let error = #expect(throws: FormatError.self) {
      try poisoned(model, value).checkFinite(pool: WorkerPool(threads: 2))
    }
    #expect(error?.code == .notFinite)
    #expect(
      error?.message.contains(
        "'model.layers.1.mlp.down_proj.weight' holds \(shown) at row 2, column 5;")
        == true, "\(error?.message ?? "")")
  }

  @Test("a scale of a quantised block that is no number is found, and sound models pass")
  func blocks() throws {
    let pool = WorkerPool(threads: 1)
    for name in ["llama2", "llama-bias"] {
      try Checkpoint.open(path: Fixtures.url("checkpoints/\(name).gguf").path).checkFinite(
        pool: pool)
    }
    try Checkpoint.open(path: Fixtures.url("models/smollm2-bf16").path).checkFinite(pool: pool)
    var bytes = [UInt8](try Fixtures.data("checkpoints/llama2.gguf"))
    let file = try GGUFFile(parsing: Bytes(bytes))
    let tensor = try #require(file.tensors.first { $0.name == "blk.0.attn_q.weight" })
    let block = unsafe tensor.bytes.withUnsafeBytes { unsafe [UInt8]($0.prefix(34)) }
    let place = try #require(bytes.firstRange(of: block))
    bytes[place.lowerBound + 1] = 0x7E  // the scale's upper byte: a half-precision NaN
    let url = FileManager.default.temporaryDirectory.appendingPathComponent(
      "lorikeet-nan-\(UUID().uuidString).gguf")
    try Data(bytes).write(to: url)
    defer { try? FileManager.default.removeItem(at: url) }
    let error = #expect(throws: FormatError.self) {
      try Checkpoint.open(path: url.path).checkFinite(pool: pool)
    }
    #expect(
      error?.message.contains("q_proj.weight' holds NaN at row 0, column 0;") == true,
      "\(error?.message ?? "")")
  }

  /// The fixture `model` with `value` in one place of one weight.
  private func poisoned(_ model: String, _ value: Float) throws -> Checkpoint {
    let weights = "model.safetensors"
    let folder = FileManager.default.temporaryDirectory.appendingPathComponent(
      "lorikeet-nan-\(UUID().uuidString)")
    try FileManager.default.copyItem(at: Fixtures.url("models/\(model)"), to: folder)
    defer { try? FileManager.default.removeItem(at: folder) }
    let file = try SafetensorsFile.open(path: folder.appendingPathComponent(weights).path)
    let tensors = file.tensors.map { tensor in
      guard tensor.name == "model.layers.1.mlp.down_proj.weight" else { return tensor }
      var bytes = unsafe tensor.bytes.withUnsafeBytes { unsafe [UInt8]($0) }
      let size = tensor.dtype.bytesPerBlock
      let pattern: UInt32 =
        switch tensor.dtype {
        case .f16: value.isNaN ? 0x7E00 : value > 0 ? 0x7C00 : 0xFC00
        case .bf16: value.bitPattern >> 16
        default: value.bitPattern
        }
      for index in 0..<size {
        bytes[(2 * tensor.shape[1] + 5) * size + index] = UInt8(
          truncatingIfNeeded: pattern >> UInt32(8 * index))
      }
      return StoredTensor(
        name: tensor.name, dtype: tensor.dtype, shape: tensor.shape, bytes: Bytes(bytes))
    }
    let written = SafetensorsFile.write(tensors, metadata: file.metadata)
    try FileManager.default.removeItem(at: folder.appendingPathComponent(weights))
    try Data(written).write(to: folder.appendingPathComponent(weights))
    return try Checkpoint.open(path: folder.path)
  }
}
