import Adapters
import Checkpoints
import Expect
import Foundation
import JSON
import Models
import Tensors
import Tokenizers
import Training

extension Parser {
  static func promptContract() throws -> Parser {
    let contract = PromptContract(
      style: .chat, chatTemplate: "{{ messages[0].content }}", system: "Be kind.",
      beginOfSequence: "<s>", endOfSequence: "</s>", stops: [.init(token: 2, text: "</s>")],
      tokenizer: String(repeating: "0", count: 64))
    return Parser([Sample("contract", contract.canonicalJSON, .json)]) { _, bytes in
      let read = try PromptContract(canonicalJSON: Data(bytes))
      try require(
        try PromptContract(canonicalJSON: read.canonicalJSON) == read,
        "written again, it is another contract")
    }
  }

  static func recipe() throws -> Parser {
    let folder = Fixtures.folder.deletingLastPathComponent().deletingLastPathComponent()
    let names = ["intent-kwikemart", "persona-nova"]
    var samples = try names.map {
      Sample(
        $0, try Data(contentsOf: folder.appendingPathComponent("Adapters/\($0)/recipe.json")), .json
      )
    }
    samples.append(Sample("everything", everyField.utf8, .json))
    let model = try Model.load(try Checkpoint.open(path: Fixtures.url("models/smollm2").path))
    return Parser(samples) { _, bytes in
      let recipe = try Recipe(parsing: bytes)
      try recipe.check()
      let plan = try recipe.batchPlan(lengths: [3, 5, 400, 1])
      var steps = plan.steps
      for _ in 0..<3 where steps.next() == nil { break }
      let rate = recipe.learningRate(totalSteps: 30)
      try require(
        (0...30).allSatisfy { rate.value(at: $0).isFinite }, "a learning rate that is not finite")
      _ = (recipe.trainerSettings, recipe.rhythm, recipe.encoderOptions)
      let configuration = recipe.loraConfiguration.named(for: model.slots)
      let selection = try TargetSelection(configuration, slots: model.slots)
      // A rank of 65,536 is what it asks for, and takes the memory for it.
      guard selection.targets.allSatisfy({ $0.rank <= 256 }) else { return }
      _ = try selection.initialDeltas(
        slots: model.slots, initialisation: configuration.initialisation, seed: UInt64(recipe.seed))
    }
  }

  private static let everyField = """
    {"name":"a/b","base":"x","method":"rslora","rank":4,"alpha":8,"targets":["q_proj","v_proj"],
    "rankPattern":{"layers\\\\.0\\\\..*":2},"alphaPattern":{"q_proj":3.5},"exclude":["k_proj"],"layers":[0,1],
    "dropout":0.1,"init":"gaussian","data":{"train":"t.csv","eval":"e.csv","format":"csv","prompt":"{a}",
    "completion":"{b}","limit":9},"maxLength":64,"optimizer":{"lr":1e-3,"lrRatioB":4,"epsilon":1e-8,
    "weightDecay":0.1,"clip":0.5},"schedule":{"kind":"cosine","warmup":1},"epochs":2,
    "batch":{"tokens":64},"accumulate":2,"evaluation":{"every":2,"patience":3,"keepBest":true,
    "maxTokens":4},"seed":7}
    """

  static func dataset() throws -> Parser {
    let rows = [
      (
        "messages.jsonl",
        #"{"messages":[{"role":"user","content":"a"},{"role":"assistant","content":"b"}]}"#
          + "\n"
          + #"{"messages":[{"role":"user","content":"c"},{"role":"assistant","content":"dé"}]}"#
      ),
      (
        "pairs.jsonl",
        "{\"prompt\":\"a\",\"completion\":\"b\"}\n{\"prompt\":\"c\",\"completion\":\"d\"}\n"
      ),
      (
        "talks.json",
        #"[{"conversations":[{"from":"human","value":"a"},{"from":"gpt","value":"b"}]}]"#
      ),
      (
        "orders.json",
        #"[{"instruction":"a","input":"b","output":"c"},{"instruction":"d","output":"e"}]"#
      ),
      ("labels.csv", "text,label\n\"a, \"\"b\"\"\nc\",x\nd,1\n"),
      ("labels.tsv", "text\tlabel\na\tb\nc\td\n"),
      ("story.txt", "Once.\nUpon a time.\n\nThere was é.\n\n\n   \nThe end"),
    ]
    let samples = rows.map { name, text in
      Sample(
        name, text.utf8,
        name.contains(".json") ? .json : .text(pieces: Mutator.rowPieces))
    }
    let encoder = toyEncoder()
    return Parser(samples) { sample, bytes in
      let dataset = try Dataset(
        bytes: bytes, path: sample.name, options: .init(limit: 50, chunkLength: 20))
      let encoded = try encoder.encode(dataset, options: .init(maximumLength: 40))
      for sequence in encoded.sequences {
        try require(
          sequence.tokens.count <= 40 && sequence.isTarget.contains(true),
          "a sequence of \(sequence.tokens.count) tokens")
      }
    }
  }

  /// An encoder whose tokens are bytes.
  private static func toyEncoder() -> SequenceEncoder {
    SequenceEncoder(
      contract: PromptContract(style: .chat, chatTemplate: "toy", stops: [], tokenizer: "toy"),
      machinery: .init(
        encode: { text, _ in text.utf8.map { Token($0) } },
        decode: { String(decoding: $0.map { UInt8(truncatingIfNeeded: $0) }, as: UTF8.self) },
        render: { messages, prompt throws(TrainingError) in
          messages.map { "<\($0.role)>\($0.content)</>" }.joined() + (prompt ? "<assistant>" : "")
        },
        beginOfSequence: nil, endOfSequence: 0))
  }

  /// A run's state, then a step from wherever it was restored to.
  static func trainingState() throws -> Parser {
    let model = try Model.load(try Checkpoint.open(path: Fixtures.url("models/smollm2").path))
    let recipe = LoRAConfiguration(rank: 1, alpha: 2, targets: .names(["q_proj"]))
    let deltas = try TargetSelection(recipe, slots: model.slots).initialDeltas(
      slots: model.slots, initialisation: .kaiming, seed: 1)
    let sequences = (1...3).map { line in
      TrainingSequence(
        tokens: [1, Token(line), 3, 4], isTarget: [false, true, true, true], line: line)
    }
    func run(_ extent: TrainingExtent) throws -> TrainingRun {
      TrainingRun(
        trainer: Trainer(
          model: model, deltas: deltas, settings: TrainerSettings(), pool: WorkerPool(threads: 1)),
        sequences: sequences,
        plan: try BatchPlan(
          lengths: sequences.map(\.tokens.count), size: .examples(1), extent: extent, seed: 3),
        rate: LearningRate(peak: 1e-3, schedule: .linear, warmupSteps: 1, totalSteps: 6),
        rhythm: .init())
    }
    func advance(_ run: TrainingRun) throws {
      _ = try run.go(.init(shouldStop: { true }, seconds: { 0 }))
    }
    let started = try run(.steps(6))
    try advance(started)
    let state = try SafetensorsFile(parsing: Bytes(started.state()))
    let facts = state.metadata["state"] ?? ""
    let samples = [
      Sample("state", started.state(), .safetensors), Sample("facts", facts.utf8, .json),
    ]
    return Parser(samples, slowness: 4) { sample, bytes in
      var bytes = bytes
      if sample.name == "facts" {
        let text = String(decoding: bytes, as: UTF8.self)
        bytes = SafetensorsFile.write(state.tensors, metadata: ["state": text])
      }
      for extent in [TrainingExtent.steps(6), .epochs(2)] {
        let restored = try run(extent)
        let before = restored.state()
        do { try restored.restore(bytes) } catch {
          try require(restored.state() == before, "a refused state changed the run")
          throw error
        }
        _ = try restored.go(.init(seconds: { 0 }))
      }
    }
  }
}
