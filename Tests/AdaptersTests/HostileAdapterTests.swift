import Adapters
import Foundation
import Tensors
import Testing

/// Damaged files give an error or a whole adapter, never a crash.
@Suite("Hostile adapters")
struct HostileAdapterTests {
  @Test("a file cut at any byte is refused")
  func truncated() throws {
    let weights = try Goldens.weights("one-block")
    let configuration = try Goldens.configuration("one-block")
    let slots = try Goldens.slots("qwen2")
    for length in 0..<weights.count {
      #expect(throws: AdapterError.self, "\(length) bytes") {
        try Adapter.read(
          weights: Bytes(Array(weights.prefix(length))), configuration: configuration,
          baseFingerprint: Goldens.base, slots: slots)
      }
    }
    let file = configuration.file
    for length in 0..<file.count {
      #expect(throws: AdapterError.self, "\(length) bytes") {
        try LoRAConfiguration(file: file.prefix(length))
      }
    }
  }

  @Test("a pipe in the place of a file is refused instead of waited for")
  func pipes() throws {
    for name in [PEFT.configurationName, PEFT.weightsName] {
      let folder = try TemporaryFolder()
      try folder.write(try Goldens.configuration("one-block").file, PEFT.configurationName)
      try? FileManager.default.removeItem(atPath: folder.path(name))
      #expect(unsafe mkfifo(folder.path(name), 0o600) == 0)
      let error = #expect(throws: AdapterError.self) {
        try PEFT.read(
          directory: folder.path(""), baseFingerprint: Goldens.base, slots: Goldens.slots("qwen2"))
      }
      #expect(error?.message.contains("\(name)' is not a regular file") == true)
    }
  }

  @Test("flipped bits in the weights give an error or finite weights")
  func flippedWeights() throws {
    let weights = try Goldens.weights("one-block")
    let configuration = try Goldens.configuration("one-block")
    let slots = try Goldens.slots("qwen2")
    for bit in 0..<weights.count * 8 {
      var damaged = weights
      damaged[bit / 8] ^= 1 << (bit % 8)
      let adapter = try? Adapter.read(
        weights: Bytes(damaged), configuration: configuration, baseFingerprint: Goldens.base,
        slots: slots)
      guard let adapter else { continue }
      for delta in adapter.deltas.values {
        #expect(delta.a.values.allSatisfy(\.isFinite) && delta.b.values.allSatisfy(\.isFinite))
      }
    }
  }

  @Test(
    "3,000 mutations of configurations are read or refused",
    arguments: ["rslora-patterns", "regex", "some-blocks"])
  func mutatedConfigurations(name: String) throws {
    let file = try Goldens.configuration(name).file
    let slots = try Goldens.slots(of: name)
    let pieces = [
      "null", "-1", "1e400", "[]", "{}", "\"\"", "\"(((\"", "9223372036854775807", "true", ",",
      "\\\\1", "(a*)*", "\u{0}", "é", "all-linear", ".*", "{65535}", "\"r\":", "[[[[",
    ].map { Array($0.utf8) }
    var random = SplitMix64(seed: 11)
    for _ in 0..<1000 {
      var damaged = file
      for _ in 0..<Int.random(in: 1...4, using: &random) {
        let place = Int.random(in: 0..<damaged.count, using: &random)
        switch Int.random(in: 0..<4, using: &random) {
        case 0: damaged[place] = UInt8.random(in: 0...255, using: &random)
        case 1: damaged.remove(at: place)
        case 2: damaged.insert(contentsOf: pieces.randomElement(using: &random) ?? [], at: place)
        default:
          let end = Int.random(in: place..<min(place + 12, damaged.count), using: &random)
          damaged.replaceSubrange(
            place...end, with: pieces.randomElement(using: &random) ?? [])
        }
      }
      guard let configuration = try? LoRAConfiguration(file: damaged),
        let selection = try? TargetSelection(configuration, slots: slots)
      else { continue }
      #expect(!selection.targets.isEmpty)
      #expect(try LoRAConfiguration(file: configuration.file).file == configuration.file)
    }
  }
}
