import Checkpoints
import Digests
import Expect
import Foundation
import JSON
import Tensors
import Testing

@Suite("RealBase: SmolLM2's file is read as gguf reads it", .serialized)
struct RealBaseCheckpointTests {
  @Test("every tensor has the float32 bits of the gguf library, rows in Hugging Face's order")
  func tensors() throws {
    let golden = try JSONValue(parsing: Fixtures.data("checkpoints/smollm2-q4_1.json"))
    let checkpoint = try Checkpoint.open(path: RealBase.path)
    #expect(checkpoint.tensorNames == golden.objectValue?.keys)
    let pool = WorkerPool(threads: 2)
    defer { pool.shutDown() }
    for name in checkpoint.tensorNames {
      let shape = try #require(checkpoint.shape(of: name))
      let values =
        shape.count == 1
        ? try checkpoint.vector(name, count: shape[0])
        : try checkpoint.matrix(name, rows: shape[0], columns: shape[1], pool: pool)
      var hasher = SHA256()
      unsafe values.bytes.withUnsafeBytes { unsafe hasher.update($0) }
      #expect(hasher.finish().hex == golden[name]?.stringValue, "\(name)")
    }
  }

  @Test("its configuration, vocabulary and fingerprint are what they are")
  func description() throws {
    let checkpoint = try Checkpoint.open(path: RealBase.path)
    #expect(
      checkpoint.configuration
        == ModelConfiguration(
          architecture: .llama, hiddenSize: 576, layerCount: 30, headCount: 9,
          keyValueHeadCount: 3, headSize: 64, feedForwardSize: 1536, vocabularySize: 49_152,
          contextLength: 8192, rmsNormEpsilon: 1e-5, ropeBase: 100_000, tiedEmbeddings: true,
          endOfSequence: [2], beginOfSequence: 1))
    guard case .embedded(let vocabulary) = try checkpoint.tokenizerSource else {
      Issue.record("no vocabulary")
      return
    }
    #expect(vocabulary.tokens.count == 49_152)
    #expect(vocabulary.merges.count == 48_900)
    #expect(vocabulary.tokens[1] == "<|im_start|>")
    #expect(checkpoint.specialTokens["eos_token"] == "<|im_end|>")
    let fingerprint = checkpoint.fingerprint().hex
    #expect(fingerprint == "ae7a38446339e57e76c738c8def35d8ca6311a4781569e298c714747db1576b7")
  }
}
