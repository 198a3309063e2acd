import Adapters
import Checkpoints
import Digests
import Expect
import Foundation
import JSON
import Models
import Tensors
import Testing

@Suite("PEFT's directories")
struct PEFTFormatTests {
  @Test("weights that PEFT saved are written back byte by byte", arguments: Goldens.names)
  func weights(name: String) throws {
    #expect(try Goldens.adapter(name).weightsFile() == Goldens.weights(name))
  }

  @Test("a configuration that PEFT saved is written back byte by byte", arguments: Goldens.names)
  func configuration(name: String) throws {
    let file = [UInt8](try Fixtures.data("adapters/\(name)/adapter_config.json"))
    #expect(try LoRAConfiguration(file: file).file == file)
  }

  @Test("an adapter read, written and read again is the same", arguments: Goldens.names)
  func roundTrip(name: String) throws {
    let folder = try TemporaryFolder()
    let adapter = try Goldens.adapter(name)
    try PEFT.write(adapter, directory: folder.path("a/b"))
    let again = try PEFT.read(
      directory: folder.path("a/b"), baseFingerprint: Goldens.base, slots: adapter.slots)
    #expect(again.digest == adapter.digest)
    #expect(again.configuration == adapter.configuration)
    for file in ["adapter_config.json", "adapter_model.safetensors"] {
      #expect(
        try Data(contentsOf: folder.url.appendingPathComponent("a/b/" + file))
          == Fixtures.data("adapters/\(name)/\(file)"))
    }
  }

  @Test("the norm of every update is PEFT's, from its factors alone", arguments: Goldens.names)
  func norms(name: String) throws {
    let report = try Goldens.adapter(name).coverage()
    let norms = try Goldens.json("cases.json")[name]?["norms"]?.objectValue
    let slots = try Goldens.slots(of: name)
    #expect(report.entries.map(\.path) == norms?.keys)
    #expect(report.entries.count + report.untouched.count == slots.count)
    for entry in report.entries {
      let expected = try #require(norms?[entry.path]?.doubleValue)
      #expect(abs(entry.norm - expected) <= 1e-6 * expected, "\(entry.path)")
    }
  }

  @Test(
    "adapters that PEFT trained over each architecture are read and written back byte by byte",
    arguments: [
      ("llama3-all-linear", "llama3"), ("qwen2-rslora-patterns", "qwen2"),
      ("qwen3-upper-layer", "qwen3"), ("qwen3-untied-regex-head", "qwen3-untied"),
      ("mistral-loraplus", "mistral"),
    ])
  func trained(name: String, base: String) throws {
    let checkpoint = try Checkpoint.open(path: Fixtures.url("models/" + base).path)
    let slots = try Model.load(checkpoint).slots
    for stage in ["initial", "final"] {
      let path = "models/training/\(name)/\(stage)"
      let weights = [UInt8](try Fixtures.data(path + "/adapter_model.safetensors"))
      let configuration = try PEFT.readConfiguration(directory: Fixtures.url(path).path)
      let adapter = try Adapter.read(
        weights: Bytes(weights), configuration: configuration, baseFingerprint: Goldens.base,
        slots: slots, isStart: stage == "initial")
      #expect(try adapter.weightsFile() == weights)
      #expect(
        try [UInt8](Fixtures.data(path + "/adapter_config.json"))
          == configuration.portable(for: slots).file)
    }
  }

  @Test("a name that matches nothing is told in the coverage")
  func unused() throws {
    #expect(try Goldens.adapter("some-blocks").coverage().unused == ["lm_headless"])
  }

  @Test("what is there already is not overwritten")
  func noOverwriting() throws {
    let folder = try TemporaryFolder()
    let adapter = try Goldens.adapter("lora")
    try PEFT.write(adapter, directory: folder.path("x"))
    let error = #expect(throws: AdapterError.self) {
      try PEFT.write(adapter, directory: folder.path("x"))
    }
    #expect(error?.message.contains("is there already") == true)
  }

  @Test("a place behind a file is refused by that file's name", arguments: ["file", "file/x/y"])
  func behindFile(place: String) throws {
    let folder = try TemporaryFolder()
    try Data("x".utf8).write(to: folder.url.appendingPathComponent("file"))
    let error = #expect(throws: AdapterError.self) {
      try PEFT.write(try Goldens.adapter("lora"), directory: folder.path(place))
    }
    #expect(
      error?.message
        == "'\(folder.path("file"))' is a file, not a directory; give another directory")
  }

  @Test("all-linear and the architecture's default are saved as names")
  func spelledOut() throws {
    let slots = try Goldens.slots("llama")
    let all = try LoRAConfiguration(targets: .allLinear).portable(for: slots)
    #expect(
      all.targets
        == .names(["down_proj", "gate_proj", "k_proj", "o_proj", "q_proj", "up_proj", "v_proj"]))
    #expect(try LoRAConfiguration().portable(for: slots).targets == .names(["q_proj", "v_proj"]))
  }

  @Test("patterns that would win in another order once sorted become one rule a layer")
  func overlappingPatterns() throws {
    let slots = try Goldens.slots("qwen2")
    let configuration = LoRAConfiguration(
      rank: 4,
      rankPattern: [ModuleRule("q_proj", 3), ModuleRule(#"layers\.1\.self_attn\.q_proj"#, 2)],
      alphaPattern: [ModuleRule("v_proj", 2), ModuleRule("v_proj", 3)])
    let wanted = try TargetSelection(configuration, slots: slots).targets
    let read = try LoRAConfiguration(file: configuration.portable(for: slots).file)
    #expect(try TargetSelection(read, slots: slots).targets == wanted)
    let careless = try LoRAConfiguration(file: configuration.file)
    #expect(try TargetSelection(careless, slots: slots).targets != wanted)
  }

  @Test("a pickle is refused with the reason")
  func pickle() throws {
    let folder = try TemporaryFolder()
    try folder.write(try Goldens.configuration("lora").file, "adapter_config.json")
    try folder.write([0x80, 2], "adapter_model.bin")
    let error = #expect(throws: AdapterError.self) {
      try PEFT.read(
        directory: folder.url.path, baseFingerprint: Goldens.base, slots: Goldens.slots("qwen2"))
    }
    #expect(error?.message.contains("runs whatever code it carries") == true)
  }

  @Test("a path that is no adapter's directory says what it is")
  func wrongPaths() throws {
    let folder = try TemporaryFolder()
    func message(_ path: String) -> String {
      let error = #expect(throws: AdapterError.self) {
        try PEFT.readConfiguration(directory: path)
      }
      return error?.message ?? ""
    }
    #expect(message(folder.path("none")).contains("there is no adapter directory"))
    #expect(message(folder.url.path).contains("holds no adapter_config.json"))
    try folder.write([1], "support/adapter_config.json")
    #expect(message(folder.url.path).contains("there is one in"))
    #expect(message(folder.path("support/adapter_config.json")).contains("is a file"))
    try folder.write([], "empty/adapter_config.json")
    #expect(message(folder.path("empty")).contains("is empty"))
    try folder.write(.init(repeating: 32, count: 4_000_001), "large/adapter_config.json")
    #expect(message(folder.path("large")).contains("more than the 4000000"))
  }
}
