import Adapters
import Digests
import Expect
import Foundation
import JSON
import Models

/// What `Tests/Fixtures/adapters` holds.
enum Goldens {
  /// A JSON fixture.
  static func json(_ name: String) throws -> JSONValue {
    try JSONValue(parsing: try Fixtures.data("adapters/" + name))
  }

  private static func kind(_ value: JSONValue) -> SlotInfo.Kind {
    value == "embedding" ? .embedding : value == true ? .head : .linear
  }

  /// The slot table of one of the fixtures' models, `llama` or `qwen2`.
  static func slots(_ model: String) throws -> SlotTable {
    let list = try json("selections.json")["models"]?[model]?.arrayValue ?? []
    return SlotTable(
      list.map { slot in
        let members = slot.arrayValue ?? []
        return SlotInfo(
          path: members[0].stringValue ?? "", inputSize: members[1].intValue ?? 0,
          outputSize: members[2].intValue ?? 0, kind: kind(members[3]))
      })
  }
}

extension Goldens {
  /// The adapters that PEFT saved.
  static let names = [
    "lora", "rslora-patterns", "some-blocks", "regex", "one-block", "bf16", "f16",
  ]
  /// A stand-in for the base's fingerprint.
  static let base = Digest.of("base")

  /// The layers of the model that the adapter `name` belongs to.
  static func slots(of name: String) throws -> SlotTable {
    try slots(try json("cases.json")[name]?["model"]?.stringValue ?? "")
  }

  /// The adapter `name`.
  static func adapter(_ name: String) throws -> Adapter {
    try PEFT.read(
      directory: Fixtures.url("adapters/" + name).path, baseFingerprint: base,
      slots: slots(of: name))
  }

  /// The configuration of the adapter `name`.
  static func configuration(_ name: String) throws -> LoRAConfiguration {
    try PEFT.readConfiguration(directory: Fixtures.url("adapters/" + name).path)
  }

  /// The bytes of the weights of the adapter `name`.
  static func weights(_ name: String) throws -> [UInt8] {
    [UInt8](try Fixtures.data("adapters/\(name)/adapter_model.safetensors"))
  }
}
