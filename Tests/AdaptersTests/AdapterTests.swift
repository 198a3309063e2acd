import Adapters
import Checkpoints
import Digests
import Foundation
import JSON
import Models
import Tensors
import Testing

@Suite("The adapter")
struct AdapterTests {
  /// The tensors of a golden, changed by `edit`, as a file.
  static func file(
    _ name: String, _ edit: (inout [StoredTensor]) -> Void
  ) throws -> Bytes {
    var tensors = try SafetensorsFile(parsing: Bytes(Goldens.weights(name))).tensors
    edit(&tensors)
    return Bytes(SafetensorsFile.write(tensors))
  }

  static func read(_ weights: Bytes, _ name: String, isStart: Bool = false) throws -> Adapter {
    try Adapter.read(
      weights: weights, configuration: Goldens.configuration(name),
      baseFingerprint: Goldens.base, slots: Goldens.slots(of: name), isStart: isStart)
  }

  static func refused(
    _ name: String, _ code: AdapterError.Code, _ told: String,
    sourceLocation: SourceLocation = #_sourceLocation, _ edit: (inout [StoredTensor]) -> Void
  ) throws {
    let weights = try file(name, edit)
    let error = #expect(throws: AdapterError.self, sourceLocation: sourceLocation) {
      try read(weights, name)
    }
    #expect(error?.code == code, sourceLocation: sourceLocation)
    #expect(
      error?.message.contains(told) == true, "\(error?.message ?? "")",
      sourceLocation: sourceLocation)
  }

  static func renamed(_ tensor: StoredTensor, _ name: String) -> StoredTensor {
    StoredTensor(name: name, dtype: tensor.dtype, shape: tensor.shape, bytes: tensor.bytes)
  }

  static let keyA = "base_model.model.model.layers.1.self_attn.k_proj.lora_A.weight"

  @Test("every tensor must have a place, and the nearest names are told")
  func unknownTensors() throws {
    try AdapterTests.refused("one-block", .unknownTensor, "did you mean '\(AdapterTests.keyA)'") {
      $0[0] = AdapterTests.renamed($0[0], AdapterTests.keyA.replacing("k_proj", with: "k_prj"))
    }
    try AdapterTests.refused("one-block", .unknownTensor, "DoRA") {
      let name = AdapterTests.keyA.replacing("lora_A.weight", with: "lora_magnitude_vector")
      $0.append(AdapterTests.renamed($0[0], name))
    }
    try AdapterTests.refused("one-block", .unknownTensor, "save_embedding_layers=False") {
      $0.append(AdapterTests.renamed($0[0], "base_model.model.lm_head.base_layer.weight"))
    }
    try AdapterTests.refused("one-block", .unknownTensor, "does not adapt") {
      $0.append(AdapterTests.renamed($0[0], AdapterTests.keyA.replacing("k_proj", with: "q_proj")))
    }
    try AdapterTests.refused("one-block", .unknownTensor, "no place") {
      $0.append(AdapterTests.renamed($0[0], "base_model.model..lora_A.weight"))
    }
  }

  @Test("both factors of every selected layer must be there")
  func missingTensors() throws {
    try AdapterTests.refused("one-block", .missingTensor, "lora_B.weight' is missing") {
      $0.removeAll { $0.name.contains("lora_B") }
    }
    try AdapterTests.refused("lora", .missingTensor, "layers.1.mlp.up_proj") {
      $0.removeAll { $0.name.contains("1.mlp.up_proj") }
    }
    try AdapterTests.refused("one-block", .missingTensor, AdapterTests.keyA) { $0 = [] }
  }

  @Test("shapes must fit the base and the rank")
  func shapes() throws {
    for shape in [[3, 15], [2, 16], [16, 3], [48], [3, 16, 1], [0, 16]] {
      try AdapterTests.refused("one-block", .badShape, "[3, 16]") {
        let values = [Float](repeating: 1, count: shape.reduce(1, *))
        $0[0] = StoredTensor(
          name: AdapterTests.keyA, dtype: .f32, shape: shape, bytes: Bytes(values))
      }
    }
  }

  @Test("a weight that is not finite is named", arguments: [Float.nan, .infinity, -.infinity])
  func notFinite(value: Float) throws {
    try AdapterTests.refused("one-block", .notFinite, "k_proj' A holds \(value) at row 2, column 5")
    {
      var values = $0[0].matrix(rows: 3, columns: 16).values
      values[2 * 16 + 5] = value
      $0[0] = StoredTensor(
        name: AdapterTests.keyA, dtype: .f32, shape: [3, 16], bytes: Bytes(values))
    }
  }

  @Test("an adapter that would change nothing is refused, unless training starts from it")
  func noEffect() throws {
    let zero: (inout [StoredTensor]) -> Void = {
      $0[1] = StoredTensor(
        name: $0[1].name, dtype: .f32, shape: $0[1].shape,
        bytes: Bytes([Float](repeating: -0.0, count: $0[1].count)))
    }
    try AdapterTests.refused("one-block", .noEffect, "would change nothing", zero)
    let start = try AdapterTests.read(
      AdapterTests.file("one-block", zero), "one-block", isStart: true)
    #expect(try start.coverage().entries.map(\.norm) == [0])
  }

  @Test(
    "the digest does not hang on order or type of the file's tensors, nor on settings of training")
  func digestIgnores() throws {
    let adapter = try Goldens.adapter("bf16")
    let wide = try AdapterTests.file("bf16") {
      $0 = $0.map { tensor in
        StoredTensor(
          name: tensor.name, matrix: tensor.matrix(rows: tensor.shape[0], columns: tensor.shape[1]))
      }
    }
    #expect(try AdapterTests.read(wide, "bf16").digest == adapter.digest)
    var configuration = adapter.configuration
    configuration.dropout = 0.5
    configuration.targets = .pattern(#".*\.(o|gate)_proj"#)
    configuration.notes.baseModel = "elsewhere"
    let other = try Adapter(
      configuration: configuration, baseFingerprint: Goldens.base, slots: adapter.slots,
      deltas: adapter.deltas)
    #expect(other.digest == adapter.digest)
  }

  @Test("the digest hangs on every weight, the scale, the base and the prompt contract")
  func digestSees() throws {
    let adapter = try Goldens.adapter("one-block")
    func digest(
      alpha: Double = 8, base: Digest = Goldens.base, contract: String = "",
      weight: Int? = nil, factor: Int = 0
    ) throws -> Digest {
      var deltas = adapter.deltas
      for (slot, delta) in deltas {
        let (a, b) = (delta.a.copied(), delta.b.copied())
        let changed = factor == 0 ? a : b
        if let weight { changed[weight / changed.columns, weight % changed.columns] += 1 }
        deltas[slot] = LowRank(a: a, b: b, scale: Float(alpha / 3))
      }
      var configuration = adapter.configuration
      configuration.alpha = alpha
      return try Adapter(
        configuration: configuration, baseFingerprint: base,
        promptContract: Data(contract.utf8), slots: adapter.slots, deltas: deltas
      ).digest
    }
    #expect(try digest() == adapter.digest)
    var seen: Set<Digest> = [adapter.digest]
    #expect(seen.insert(try digest(alpha: 9)).inserted)
    #expect(seen.insert(try digest(base: .of("another base"))).inserted)
    #expect(seen.insert(try digest(contract: "{}")).inserted)
    for weight in 0..<48 { #expect(seen.insert(try digest(weight: weight)).inserted) }
    for weight in 0..<24 { #expect(seen.insert(try digest(weight: weight, factor: 1)).inserted) }
  }

  @Test("the digest is the one that its description gives elsewhere", arguments: Goldens.names)
  func digestStays(name: String) throws {
    let expected = try Goldens.json("cases.json")[name]?["digest"]?.stringValue
    #expect(try Goldens.adapter(name).digest.hex == expected)
  }

  @Test("updates that the configuration does not ask for are refused")
  func fit() throws {
    let adapter = try Goldens.adapter("one-block")
    func code(_ deltas: [Int: LowRank]) -> AdapterError.Code? {
      let error = #expect(throws: AdapterError.self) {
        try Adapter(
          configuration: adapter.configuration, baseFingerprint: Goldens.base,
          slots: adapter.slots, deltas: deltas)
      }
      return error?.code
    }
    let (slot, delta) = try #require(adapter.deltas.first)
    #expect(code([:]) == .missingTensor)
    #expect(code([slot: delta, slot + 1: delta]) == .unknownTensor)
    #expect(code([slot: delta, 10_000: delta]) == .unknownTensor)
    #expect(code([slot: LowRank(a: delta.a, b: delta.b, scale: 1)]) == .badConfiguration)
    let tall = Matrix(repeating: 1, rows: 9, columns: 3)
    #expect(code([slot: LowRank(a: delta.a, b: tall, scale: delta.scale)]) == .badShape)
    let wide = Matrix(repeating: 1, rows: 3, columns: 17)
    #expect(code([slot: LowRank(a: wide, b: delta.b, scale: delta.scale)]) == .badShape)
    let narrow = LowRank(
      a: Matrix(repeating: 1, rows: 2, columns: 16), b: Matrix(repeating: 1, rows: 8, columns: 2),
      scale: delta.scale)
    #expect(code([slot: narrow]) == .badShape)
  }
}
