import Adapters
import Digests
import Expect
import Foundation
import JSON
import Models
import Tensors

extension Parser {
  static func adapter() throws -> Parser {
    let selections = try JSONValue(parsing: try Fixtures.data("adapters/selections.json"))
    let cases = try JSONValue(parsing: try Fixtures.data("adapters/cases.json"))
    var samples: [Sample] = []
    var slots: [String: SlotTable] = [:]
    for name in ["rslora-patterns", "regex", "some-blocks", "bf16"] {
      let model = cases[name]?["model"]?.stringValue ?? ""
      slots[name] = table(selections["models"]?[model]?.arrayValue ?? [])
      for (file, syntax) in [
        (PEFT.configurationName, Sample.Syntax.json), (PEFT.weightsName, .safetensors),
      ] {
        samples.append(
          Sample("\(name)/\(file)", try Fixtures.data("adapters/\(name)/\(file)"), syntax))
      }
    }
    let sound = Dictionary(uniqueKeysWithValues: samples.map { ($0.name, $0.bytes) })
    return Parser(samples, slowness: 2) { sample, bytes in
      let name = String(sample.name.prefix { $0 != "/" })
      func file(_ name: String) -> [UInt8] { name == sample.name ? bytes : sound[name] ?? [] }
      guard let slots = slots[name] else { return }
      let adapter = try Adapter.read(
        weights: Bytes(file("\(name)/\(PEFT.weightsName)")),
        configuration: LoRAConfiguration(file: file("\(name)/\(PEFT.configurationName)")),
        baseFingerprint: Digest.of("base"), slots: slots)
      try check(adapter)
      _ = try adapter.coverage()
    }
  }

  /// What was taken is whole: finite weights, and a configuration that says the same again.
  private static func check(_ adapter: Adapter) throws {
    for delta in adapter.deltas.values {
      try require(
        delta.a.values.allSatisfy(\.isFinite) && delta.b.values.allSatisfy(\.isFinite),
        "weights that are not finite were taken")
    }
    let file = adapter.configuration.file
    try require(
      try LoRAConfiguration(file: file).file == file, "written again, it is another configuration")
  }

  private static func table(_ list: [JSONValue]) -> SlotTable {
    SlotTable(
      list.map { slot in
        let members = slot.arrayValue ?? []
        return SlotInfo(
          path: members[0].stringValue ?? "", inputSize: members[1].intValue ?? 0,
          outputSize: members[2].intValue ?? 0, isHead: members[3].boolValue ?? false)
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
