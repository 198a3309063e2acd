import Checkpoints
import Digests
import Expect
import Foundation
import JSON
import Tensors
import Testing

@Suite("Checkpoint")
struct CheckpointTests {
  static let both = [
    "smollm2", "llama3", "llama-linear", "llama-bias", "mistral", "qwen2", "qwen3",
  ]
  static let directories =
    both + ["llama2", "smollm2-bf16", "smollm2-f16", "smollm2-sharded", "qwen3-untied"]

  private func directory(_ name: String) throws -> Checkpoint {
    try Checkpoint.open(path: Fixtures.url("models/\(name)").path)
  }

  private func gguf(_ name: String) throws -> Checkpoint {
    try Checkpoint.open(path: Fixtures.url("checkpoints/\(name).gguf").path)
  }

  /// All values of a tensor whose shape the stored name tells.
  private func values(_ checkpoint: Checkpoint, _ name: String) throws -> [Float] {
    let shape = try #require(checkpoint.shape(of: name))
    return shape.count == 1
      ? try checkpoint.vector(name, count: shape[0]).values
      : try checkpoint.matrix(name, rows: shape[0], columns: shape[1]).values
  }

  @Test("a GGUF file gives the values of the directory that it was made from", arguments: both)
  func sameValues(name: String) throws {
    let expected = try directory(name)
    let actual = try gguf(name)
    #expect(actual.tensorNames == expected.tensorNames)
    for tensor in expected.tensorNames {
      #expect(actual.shape(of: tensor) == expected.shape(of: tensor), "\(tensor)")
      let same = try values(actual, tensor) == values(expected, tensor)
      #expect(same, "\(tensor)")
    }
  }

  @Test("quantised q and k rows come back in Hugging Face's order")
  func quantised() throws {
    let expected = try directory("llama2")
    let actual = try gguf("llama2")
    #expect(actual.dtype(of: "model.layers.0.self_attn.q_proj.weight") == .q8_0)
    #expect(actual.dtype(of: "model.layers.0.mlp.down_proj.weight") == .f32)
    for tensor in expected.tensorNames {
      // Half a step of Q8_0 at the largest value of the tensor, plus the step's rounding to half precision.
      let difference = firstDifference(
        try values(actual, tensor), try values(expected, tensor), rtol: 1.15 / 254)
      #expect(difference == nil, "\(tensor): \(difference ?? "")")
    }
  }

  @Test("a GGUF file says the same of the model as the directory", arguments: both)
  func sameConfiguration(name: String) throws {
    var expected = try directory(name).configuration
    let actual = try gguf(name).configuration
    // The converter calls Mistral a Llama, and llama3's scaling comes as factors.
    if name == "mistral" { expected.architecture = .llama }
    if name == "llama3" { expected.ropeScaling = actual.ropeScaling }
    expected.endOfSequence = [2, 3]
    #expect(actual == expected)
  }

  @Test("shards are read as one file, and half precisions as their floats")
  func sharded() throws {
    let whole = try directory("smollm2")
    let sharded = try directory("smollm2-sharded")
    #expect(sharded.tensorNames == whole.tensorNames)
    #expect(sharded.configuration == whole.configuration)
    for tensor in whole.tensorNames where tensor.contains("layers.1") {
      #expect(sharded.shape(of: tensor) == whole.shape(of: tensor))
    }
    #expect(try directory("smollm2-bf16").dtype(of: "model.norm.weight") == .bf16)
    #expect(try directory("smollm2-f16").dtype(of: "model.norm.weight") == .f16)
  }

  @Test("configurations are read as they are")
  func configurations() throws {
    let llama3 = try directory("llama3").configuration
    #expect(llama3.headSize == 16)
    #expect(llama3.ropeBase == 500_000)
    #expect(
      llama3.ropeScaling
        == .llama3(
          factor: 8, lowFrequencyFactor: 1, highFrequencyFactor: 4, originalContext: 64))
    #expect(llama3.endOfSequence == [2, 3])
    #expect(!llama3.tiedEmbeddings)
    guard case .factors(let factors) = try gguf("llama3").configuration.ropeScaling else {
      Issue.record("no factors")
      return
    }
    #expect(factors.count == 8)
    #expect(factors.first == 1 && factors.last == 8)
    #expect(try directory("llama-linear").configuration.ropeScaling == .linear(factor: 4))
    #expect(try directory("llama2").configuration.keyValueHeadCount == 4)
    #expect(try directory("mistral").configuration.slidingWindow == 8)
    #expect(try gguf("mistral").configuration.slidingWindow == 8)
    let qwen2 = try directory("qwen2").configuration
    #expect(qwen2.attentionBias && !qwen2.outputBias && qwen2.slidingWindow == nil)
    let biased = try directory("llama-bias").configuration
    #expect(biased.attentionBias && biased.outputBias)
    #expect(try directory("qwen3").configuration.queryKeyNorm)
  }

  @Test("a wrong shape or name is told with both shapes")
  func wrongShape() throws {
    let checkpoint = try directory("smollm2")
    let shape = #expect(throws: FormatError.self) {
      try checkpoint.matrix("model.embed_tokens.weight", rows: 131, columns: 47)
    }
    #expect(shape?.code == .badShape)
    #expect(shape?.message.contains("[131, 48] where [131, 47]") == true)
    let name = #expect(throws: FormatError.self) { try checkpoint.vector("model.nom", count: 1) }
    #expect(name?.code == .missingTensor)
  }

  @Test("fingerprints differ between models and stay the same", arguments: directories)
  func fingerprints(name: String) throws {
    let first = try directory(name)
    var last = 0.0
    let digest = first.fingerprint { last = $0 }
    #expect(last == 1)
    #expect(try directory(name).fingerprint() == digest)
    for other in CheckpointTests.directories where other != name {
      let twins = ["smollm2", "smollm2-sharded"]
      let same = twins.contains(name) && twins.contains(other)
      #expect(try (directory(other).fingerprint() == digest) == same, "\(other)")
    }
  }

  @Test("a fingerprint is fixed for good")
  func pinned() throws {
    let digest = try directory("smollm2").fingerprint().hex
    #expect(digest == "3087e99cad729ac6e38c892ba406ca65eb5c2bb11d022cc480cffecd8f581bd6")
    // Without interleaved rows both formats hold the same bytes.
    #expect(try gguf("qwen3").fingerprint() == directory("qwen3").fingerprint())
    #expect(try gguf("smollm2").fingerprint() != directory("smollm2").fingerprint())
  }

  @Test("a GGUF vocabulary, its special tokens and its template come along")
  func vocabulary() throws {
    let checkpoint = try gguf("smollm2")
    guard case .embedded(let vocabulary) = try checkpoint.tokenizerSource else {
      Issue.record("no vocabulary")
      return
    }
    #expect(vocabulary.model == "gpt2")
    #expect(vocabulary.pre == "smollm")
    #expect(vocabulary.tokens.count == 131)
    #expect(vocabulary.tokens[130] == "token130é")
    #expect(vocabulary.tokenTypes.prefix(5) == [2, 3, 3, 3, 1])
    #expect(vocabulary.merges == ["t o", "to ken"])
    #expect(vocabulary.beginOfSequence == 1 && vocabulary.endOfSequence == 2)
    #expect(vocabulary.addBeginOfSequence == true && vocabulary.addSpacePrefix == false)
    #expect(vocabulary.addEndOfSequence == nil && vocabulary.padding == nil)
    #expect(checkpoint.configuration.endOfSequence == [2, 3])
    #expect(
      checkpoint.specialTokens == ["bos_token": "<s>", "eos_token": "</s>", "unk_token": "<unk>"])
    #expect(checkpoint.chatTemplate?.hasPrefix("{{ bos_token }}") == true)
  }

  @Test("a pipe is refused instead of waited for")
  func pipe() throws {
    let folder = FileManager.default.temporaryDirectory.appendingPathComponent(
      "lorikeet-pipe-\(UUID().uuidString)")
    try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
    defer { try? FileManager.default.removeItem(at: folder) }
    let path = folder.appendingPathComponent("model.gguf").path
    #expect(unsafe mkfifo(path, 0o600) == 0)
    let error = #expect(throws: FormatError.self) { try Checkpoint.open(path: path) }
    #expect(error?.message.contains("is not a regular file") == true)
  }

  @Test(
    "what an architecture always has must be in its file",
    arguments: [("qwen3", "attn_q_norm"), ("qwen2", "attn_q.bias"), ("llama2", "attn_v")])
  func alwaysThere(name: String, tensor: String) throws {
    var bytes = [UInt8](try Fixtures.data("checkpoints/\(name).gguf"))
    var start = 0
    while let found = bytes[start...].firstRange(of: Array("blk.0.\(tensor)".utf8)) {
      bytes[found.upperBound - 1] = UInt8(ascii: "x")
      start = found.upperBound
    }
    let folder = FileManager.default.temporaryDirectory.appendingPathComponent(
      "lorikeet-always-\(UUID().uuidString)")
    try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
    defer { try? FileManager.default.removeItem(at: folder) }
    let file = folder.appendingPathComponent("model.gguf")
    try Data(bytes).write(to: file)
    let error = #expect(throws: FormatError.self) { try Checkpoint.open(path: file.path) }
    #expect(error?.code == .missingTensor, "\(error?.message ?? "")")
  }

  @Test("a path that is no checkpoint is told in one line")
  func wrongPaths() throws {
    let nowhere = #expect(throws: FormatError.self) { try Checkpoint.open(path: "/nowhere") }
    #expect(nowhere?.message == "there is no checkpoint at '/nowhere'")
    let file = #expect(throws: FormatError.self) {
      try Checkpoint.open(path: Fixtures.url("models/smollm2/config.json").path)
    }
    #expect(file?.message.contains("is no GGUF file") == true)
    let folder = #expect(throws: FormatError.self) {
      try Checkpoint.open(path: Fixtures.url("checkpoints").path)
    }
    #expect(folder?.message.contains("has no config.json") == true)
  }
}
