import Adapters
import JSON
import Testing

@Suite("The LoRA configuration")
struct LoRAConfigurationTests {
  static func read(_ text: String) throws -> LoRAConfiguration {
    try LoRAConfiguration(file: text.utf8)
  }

  @Test("missing keys mean PEFT's defaults")
  func defaults() throws {
    let configuration = try LoRAConfigurationTests.read(#"{"peft_type": "LORA"}"#)
    #expect(configuration.rank == 8)
    #expect(configuration.alpha == 8)
    #expect(configuration.dropout == 0)
    #expect(configuration.targets == .architectureDefault)
    #expect(configuration.initialisation == .kaiming)
    #expect(!configuration.usesRSLoRA)
  }

  @Test("PEFT's 41 keys are written, sorted")
  func keys() throws {
    let written = try JSONValue(parsing: LoRAConfiguration().file).objectValue
    #expect(written?.count == 41)
    #expect(written?.keys == written?.keys.sorted())
  }

  @Test(
    "what would change the maths is refused by its key",
    arguments: [
      (#""use_dora": true"#, "'use_dora' is true"), (#""bias": "some""#, "'bias' is 'some'"),
      (#""fan_in_fan_out": true"#, "'fan_in_fan_out'"),
      (#""layer_replication": [[0, 4]]"#, "'layer_replication'"),
      (#""kasa_config": {"beta": 0.1}"#, "'kasa_config'"),
      (#""alora_invocation_tokens": [1]"#, "'alora_invocation_tokens'"),
      (#""trainable_token_indices": [1]"#, "'trainable_token_indices'"),
      (#""init_lora_weights": "pissa""#, "init_lora_weights is \"pissa\""),
      (#""init_lora_weights": "pissa_niter_4""#, "pissa_niter_4"),
      (#""init_lora_weights": "olora""#, "may have changed the base's own weights"),
      (#""task_type": "SEQ_CLS""#, "task_type"), (#""peft_type": "IA3""#, "only LORA"),
      (#""use_something": true"#, "unknown key 'use_something'"),
      (#""lora_alfa": 4"#, "did you mean 'lora_alpha'"),
    ])
  func refused(member: String, told: String) {
    let type = member.contains("peft_type") ? "" : #""peft_type": "LORA", "#
    let error = #expect(throws: AdapterError.self) {
      try LoRAConfigurationTests.read("{\(type)\(member)}")
    }
    #expect(error?.code == .unsupported)
    #expect(error?.message.contains(told) == true, "\(error?.message ?? "")")
  }

  @Test(
    "a value of the wrong kind, or out of range, is refused by its key",
    arguments: [
      (#""r": "8""#, "'r' should be an integer"), (#""r": 0"#, "from 1"), (#""r": 8.5"#, "'r'"),
      (#""r": 9223372036854775807"#, "from 1"), (#""r": 1e999"#, "adapter_config.json"),
      (#""lora_alpha": 0"#, "alpha must be"), (#""lora_alpha": 1e300"#, "alpha must be"),
      (#""lora_dropout": 1.0"#, "[0, 1)"), (#""lora_dropout": -0.1"#, "[0, 1)"),
      (#""target_modules": 3"#, "'target_modules'"),
      (#""target_modules": ["a", 3]"#, "'target_modules'"),
      (#""rank_pattern": {"q": "4"}"#, "'rank_pattern'"),
      (#""rank_pattern": [1]"#, "'rank_pattern'"),
      (#""rank_pattern": {"q": -1}"#, "rank_pattern 'q'"),
      (#""layers_to_transform": "1""#, "'layers_to_transform'"),
      (#""target_modules": "x", "layers_to_transform": [1]"#, "list of names"),
      (#""target_modules": ["x"], "layers_pattern": "h""#, "needs layers_to_transform"),
      (#""modules_to_save": "lm_head""#, "'modules_to_save'"),
      (#""lora_bias": 1"#, "'lora_bias'"), (#""bias": true"#, "'bias'"),
      (#""use_rslora": 1"#, "'use_rslora'"), (#""r": 8, "r": 9"#, "adapter_config.json"),
    ])
  func malformed(member: String, told: String) {
    let error = #expect(throws: AdapterError.self) {
      try LoRAConfigurationTests.read(#"{"peft_type": "LORA", \#(member)}"#)
    }
    #expect(error?.code == .badConfiguration)
    #expect(error?.message.contains(told) == true, "\(error?.message ?? "")")
  }

  @Test("what is switched off in another release's spelling is kept and written back")
  func inert() throws {
    let configuration = try LoRAConfigurationTests.read(
      #"{"peft_type": "LORA", "loftq_config": null, "use_new_thing": false, "runtime_config": {"a": 1}}"#
    )
    let written = configuration.json
    #expect(written["loftq_config"] == .null)
    #expect(written["use_new_thing"] == false)
    #expect(written["runtime_config"] == nil)
    #expect(written.count == 42)
  }
}
