import Adapters
import Autograd
import Digests
import Foundation
import Lorikeet
import Models
import Tensors

extension Benchmark {
  /// All benchmarks, on the shapes that the peers' scripts use.
  func entries() -> [Entry] {
    // Opened when first asked for, so that no figure of memory counts what its work does not need.
    let base = { [workspace, options] in
      try workspace.openBase(options.base, weights: options.weights)
    }
    let learner = { [workspace, options] in
      try workspace.openBase(options.base, weights: options.weights ?? .training)
    }
    return [
      Entry(name: "train/8x128", unit: "tokens/s") { try self.training(learner(), 8, 128) },
      Entry(name: "train/2x512", unit: "tokens/s") { try self.training(learner(), 2, 512) },
      Entry(name: "prefill/512", unit: "tokens/s") { try self.prefill(base(), 512) },
      Entry(name: "decode/1", unit: "tokens/s") {
        try self.decode(base(), streams: 1, adapters: 0)
      },
      Entry(name: "decode/16", unit: "tokens/s") {
        try self.decode(base(), streams: 16, adapters: 0)
      },
      Entry(name: "decode/16-adapters", unit: "tokens/s") {
        try self.decode(base(), streams: 16, adapters: 16)
      },
      Entry(name: "load/base", unit: "ms") { try self.loadBase() },
    ] + registryEntries(base)
  }

  /// A random adapter of rank 16 on every linear layer but the head.
  func randomAdapter(_ base: LoadedBase, seed: UInt64) throws -> Adapter {
    let slots = base.model.slots
    let configuration = LoRAConfiguration(rank: 16, alpha: 32, targets: .allLinear)
      .named(for: slots)
    var generator = SplitMix64(seed: seed)
    let start = try TargetSelection(configuration, slots: slots).initialDeltas(
      slots: slots, seed: seed)
    let deltas = start.mapValues { delta in
      let b = (0..<delta.b.count).map { _ in generator.normal() * 0.001 }
      return LowRank(
        a: delta.a, b: Matrix(rows: delta.b.rows, columns: delta.b.columns, b), scale: delta.scale)
    }
    return try Adapter(
      configuration: configuration, baseFingerprint: base.record.facts.fingerprint,
      promptContract: base.contract.canonicalJSON, slots: slots, deltas: deltas)
  }

  /// LoRA r=16 on all linear layers, a loss on every token; one optimizer step.
  private func training(_ base: LoadedBase, _ count: Int, _ length: Int) throws -> Double {
    let trainer = try trainer(base)
    let sequences = (0..<count).map { sequence in
      TrainingSequence(
        tokens: prompt(length, sequence),
        isTarget: [false] + [Bool](repeating: true, count: length - 1), line: 0)
    }
    let time = try seconds { _ = try trainer.step(sequences, rate: 1e-4) }
    return Double(count * length) / time
  }

  /// One trainer for all training benchmarks: its buffers are warm, as in a run.
  private func trainer(_ base: LoadedBase) throws -> Trainer {
    if let kept = keptTrainer { return kept }
    let start = try randomAdapter(base, seed: 1)
    let trainer = Trainer(
      model: base.model, deltas: start.deltas, settings: TrainerSettings(), pool: workspace.pool)
    keptTrainer = trainer
    return trainer
  }

  func prompt(_ length: Int, _ seed: Int = 0) -> [Token] {
    (0..<length).map { Token(($0 * 7919 + seed * 31) % 49_000 + 1) }
  }

  private func prefill(_ base: LoadedBase, _ length: Int) throws -> Double {
    var request = GenerateRequest(prompt: prompt(length))
    request.maximumTokens = 1
    return Double(length) / (try seconds { _ = try base.engine.generate([request]) })
  }

  /// Tokens a second over 32 tokens of each stream, after prompts of 8 tokens.
  func decode(_ base: LoadedBase, streams: Int, adapters: Int) throws -> Double {
    let tokens = 32
    let requests = try (0..<streams).map { stream in
      var request = GenerateRequest(prompt: prompt(8, stream))
      if adapters > 0 { request.adapter = try pinned(base, stream % adapters) }
      request.maximumTokens = tokens
      return request
    }
    return Double(streams * tokens) / (try seconds { _ = try base.engine.generate(requests) })
  }

  private func pinned(_ base: LoadedBase, _ index: Int) throws -> PinnedAdapter {
    if let kept = keptAdapters[index] { return kept }
    let adapter = try randomAdapter(base, seed: UInt64(index) + 10)
    let pinned = try base.adapters.pin(adapter.digest) {
      ResidentAdapter(adapter, for: base.model)
    }
    keptAdapters[index] = pinned
    return pinned
  }

  private func loadBase() throws -> Double {
    try seconds {
      let fresh = try Workspace(pool: workspace.pool)
      _ = try fresh.openBase(options.base, weights: options.weights)
    } * 1000
  }
}
