import Adapters
import Checkpoints
import Digests
import Expect
import Foundation
import JSON
import Models
import Tensors

extension Parser {
  /// Adapters of low-rank updates, and such with biases, embeddings and whole weights.
  static func adapter() throws -> Parser {
    var slots: [String: SlotTable] = [:]
    let selections = try JSONValue(parsing: try Fixtures.data("adapters/selections.json"))
    let cases = try JSONValue(parsing: try Fixtures.data("adapters/cases.json"))
    for name in ["rslora-patterns", "regex", "some-blocks"] {
      let model = cases[name]?["model"]?.stringValue ?? ""
      slots[name] = table(selections["models"]?[model]?.arrayValue ?? [])
    }
    let whole = try JSONValue(parsing: try Fixtures.data("adapters/whole/cases.json"))
    for name in ["bias-all", "everything"] {
      let model = Fixtures.url("models/" + (whole[name]?["model"]?.stringValue ?? ""))
      slots["whole/" + name] = try Model.load(try Checkpoint.open(path: model.path)).slots
    }
    let names = slots.keys.sorted()
    let configurations = try names.map {
      Sample($0, try Fixtures.data("adapters/\($0)/\(PEFT.configurationName)"), .json)
    }
    let weights = try names.map {
      Sample($0, try Fixtures.data("adapters/\($0)/\(PEFT.weightsName)"), .safetensors)
    }
    return Parser(configurations + weights, slowness: 6) { sample, bytes in
      guard let slots = slots[sample.name], let index = names.firstIndex(of: sample.name) else {
        return
      }
      let isWeights = if case .safetensors = sample.syntax { true } else { false }
      let adapter = try Adapter.read(
        weights: Bytes(isWeights ? bytes : weights[index].bytes),
        configuration: LoRAConfiguration(file: isWeights ? configurations[index].bytes : bytes),
        baseFingerprint: Digest.of("base"), slots: slots)
      try check(adapter)
    }
  }

  /// What was taken is finite, and written and read again it is the same.
  private static func check(_ adapter: Adapter) throws {
    _ = try adapter.coverage()
    let file = adapter.configuration.file
    let configuration = try LoRAConfiguration(file: file)
    try require(configuration.file == file, "written again, it is another configuration")
    let weights = try adapter.weightsFile()
    for tensor in try SafetensorsFile(parsing: Bytes(weights)).tensors {
      try require(
        tensor.matrix(rows: 1, columns: tensor.count).firstNotFinite == nil,
        "weights that are not finite were taken")
    }
    let again = try Adapter.read(
      weights: Bytes(weights), configuration: configuration,
      baseFingerprint: adapter.baseFingerprint, slots: adapter.slots)
    try require(again.digest == adapter.digest, "written again, it is another adapter")
  }

  private static func table(_ list: [JSONValue]) -> SlotTable {
    SlotTable(
      list.map { slot in
        let members = slot.arrayValue ?? []
        let kind: SlotInfo.Kind =
          members[3] == "embedding" ? .embedding : members[3] == true ? .head : .linear
        return SlotInfo(
          path: members[0].stringValue ?? "", inputSize: members[1].intValue ?? 0,
          outputSize: members[2].intValue ?? 0, kind: kind)
      })
  }

  static func modulePattern() throws -> Parser {
    let patterns = [
      #"model\.layers\.(0|1[0-9])\..*(q|v)_proj"#, #"(?i:.*MLP.*)(up|down)_proj$"#,
      #"(?!.*k_proj)[\w.]+\.(?=self)[^.]+\.\w{1,20}"#, #"^(a*)*(b|c+?)\b.{3,5}(?<!x)$"#,
    ]
    let samples = patterns.map {
      Sample("pattern", $0.utf8, .text(pieces: Mutator.patternPieces))
    }
    return Parser(samples, slowness: 2) { _, bytes in
      guard let text = String(validating: bytes, as: UTF8.self) else { return }
      let pattern = try PathPattern(text)
      var budget = PathPattern.stepsPerSelection / 100
      for path in [
        "model.layers.10.self_attn.q_proj", "lm_head", String(repeating: "a", count: 300),
      ] {
        _ = try pattern.matches(path, budget: &budget)
      }
    }
  }
}
