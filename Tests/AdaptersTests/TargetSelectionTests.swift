import Adapters
import JSON
import Models
import Testing

@Suite("Target selection")
struct TargetSelectionTests {
  @Test("every configuration selects the layers, ranks and scales that PEFT selects")
  func peftGoldens() throws {
    let goldens = try Goldens.json("selections.json")["cases"]?.arrayValue ?? []
    #expect(goldens.count > 120)
    for golden in goldens {
      let settings = try #require(golden["config"]?.objectValue)
      let name = "\(golden["model"]?.stringValue ?? "") \(JSONValue.object(settings).text())"
      let slots = try Goldens.slots(golden["model"]?.stringValue ?? "")
      // PEFT meets the embedding first; it is our last slot.
      let all = golden["targets"]?.arrayValue
      let expected = all.map { list in
        list.filter { !isEmbedding($0) } + list.filter { isEmbedding($0) }
      }
      guard let expected else {
        #expect(throws: AdapterError.self, "\(name)") {
          try TargetSelection(LoRAConfiguration(json: settings), slots: slots)
        }
        continue
      }
      do {
        let configuration = try LoRAConfiguration(json: settings)
        let selection = try TargetSelection(configuration, slots: slots)
        #expect(
          selection.targets.map(\.path) == expected.map { $0.arrayValue?[0].stringValue }, "\(name)"
        )
        #expect(
          selection.targets.map(\.rank) == expected.map { $0.arrayValue?[1].intValue }, "\(name)")
        #expect(
          selection.targets.map(\.alpha) == expected.map { $0.arrayValue?[2].doubleValue },
          "\(name)")
        #expect(
          selection.targets.map(\.scale)
            == expected.map { Float($0.arrayValue?[3].doubleValue ?? .nan) }, "\(name)")
        if case .names = configuration.targets { continue }
        let saved = configuration.named(for: slots).json["target_modules"]
        #expect(saved == golden["saved"], "\(name)")
      } catch { Issue.record("\(name): \(error)") }
    }
  }

  private func isEmbedding(_ target: JSONValue) -> Bool {
    target.arrayValue?[0].stringValue == "model.embed_tokens"
  }

  @Test("the scale of rsLoRA is alpha over the root of the rank")
  func scales() {
    let plain = LoRAConfiguration(rank: 16, alpha: 32)
    let stabilised = LoRAConfiguration(rank: 16, alpha: 32, usesRSLoRA: true)
    #expect(plain.scale(rank: 16, alpha: 32) == 2)
    #expect(stabilised.scale(rank: 16, alpha: 32) == 8)
  }

  @Test("names and patterns that match nothing are told")
  func unused() throws {
    let configuration = LoRAConfiguration(
      targets: .names(["q_proj", "query_key_value"]), rankPattern: [ModuleRule("k_proj", 2)],
      alphaPattern: [ModuleRule("q_proj", 2)])
    let selection = try TargetSelection(configuration, slots: Goldens.slots("qwen2"))
    #expect(selection.unused == ["query_key_value", "k_proj"])
  }

  @Test(
    "selecting nothing names what is near and what there is",
    arguments: [
      (LoRAConfiguration(targets: .names(["q_prj"])), "did you mean 'q_proj'"),
      (LoRAConfiguration(targets: .names(["self_atn.k_proj"])), "for example"),
      (LoRAConfiguration(targets: .pattern("q_proj")), "model.layers.0.self_attn.q_proj"),
      (
        LoRAConfiguration(targets: .names(["q_proj"]), layers: .many([7, 9])),
        "none is in the blocks 7, 9"
      ),
      (
        LoRAConfiguration(targets: .names(["q_proj"]), excluded: .names(["q_proj"])),
        "every match is excluded"
      ),
    ])
  func nothing(configuration: LoRAConfiguration, hint: String) throws {
    let slots = try Goldens.slots("qwen2")
    let error = #expect(throws: AdapterError.self) {
      try TargetSelection(configuration, slots: slots)
    }
    #expect(error?.code == .nothingSelected)
    #expect(error?.message.contains(hint) == true, "\(error?.message ?? "")")
  }

  @Test("a target that is no linear layer is refused by its path")
  func notLinear() throws {
    let slots = try Goldens.slots("qwen2")
    let error = #expect(throws: AdapterError.self) {
      try TargetSelection(
        LoRAConfiguration(targets: .names(["q_proj", "norm"])), slots: slots)
    }
    #expect(error?.message.contains("'model.norm', which is no linear layer") == true)
  }
}
