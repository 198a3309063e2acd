import Digests
import Expect
import Foundation
import Lorikeet
import Registry
import Serving
import Tensors
import Testing
import Training

/// The main job on the real base: train, publish, resume, swap, generate.
@Suite("RealBase: the workspace", .serialized)
struct RealBaseWorkspaceTests {
  /// A workspace in a folder of its own, over the shared base file.
  private final class Scratch {
    let folder: URL
    let workspace: Workspace

    init(threads: Int = 2) throws {
      folder = FileManager.default.temporaryDirectory
        .appendingPathComponent("lorikeet-\(UUID().uuidString)")
      workspace = try Workspace(home: folder.path, pool: WorkerPool(threads: threads))
      _ = try workspace.addBase(path: RealBase.path, name: "smollm2")
    }

    deinit { try? FileManager.default.removeItem(at: folder) }
  }

  /// A short run on rows of the intent task: six steps of four examples, checkpoints every second one.
  private func recipe(_ name: String, seed: Int = 1) -> Recipe {
    var recipe = Recipe()
    recipe.name = name
    recipe.rank = 4
    recipe.alpha = 8
    recipe.targets = .names(["q_proj", "v_proj"])
    recipe.train = Fixtures.url("realbase/training-rows.jsonl").path
    recipe.rate = 5e-3
    recipe.warmup = 1
    recipe.dropout = 0.1
    recipe.batch = .examples(4)
    recipe.extent = .steps(6)
    recipe.checkpointEvery = 2
    recipe.seed = seed
    return recipe
  }

  private func published(_ outcome: TrainingOutcome) throws -> VersionRecord {
    guard case .published(let version, _) = outcome else {
      throw WorkspaceError(.badRequest, "nothing was published: \(outcome)")
    }
    return version
  }

  @Test("a run stopped at any point resumes to the same digest, whatever the number of threads")
  func resumes() throws {
    let whole = try Scratch(threads: 1)
    let expected = try published(try whole.workspace.train(recipe("acme/intent")))
    let parts = try Scratch(threads: 2)
    var stops = 0
    var resumedAt: [Int] = []
    while true {
      var steps = 0
      let outcome = try parts.workspace.train(
        recipe("acme/intent"), shouldStop: { steps >= 1 },
        progress: { event in
          if case .run(.step) = event { steps += 1 }
          if case .resumed(_, let step) = event { resumedAt.append(step) }
        })
      guard case .interrupted(_, let step) = outcome else {
        #expect(try published(outcome).digest == expected.digest)
        break
      }
      stops += 1
      #expect(step == stops)
      try #require(stops < 10)
    }
    #expect(stops == 5 && resumedAt == [1, 2, 3, 4, 5])
    let curves = try [whole.workspace, parts.workspace].map { workspace in
      try workspace.registry.points(ofRun: 1).map(\.loss)
    }
    #expect(curves[0] == curves[1] && curves[0].count == 6)
    // The stopped run has digests where it was stopped as well; where the whole one has some they are the same.
    let digests = try [whole.workspace, parts.workspace].map { workspace in
      try workspace.registry.adapterDigests(ofRun: 1)
    }
    #expect(
      digests[0].keys.sorted() == [2, 4, 6] && digests[1].keys.sorted() == [1, 2, 3, 4, 5, 6])
    #expect(digests[0] == digests[1].filter { $0.key % 2 == 0 })
    #expect(digests[0][6] == expected.digest && Set(digests[1].values).count == 6)
    let again = try parts.workspace.train(recipe("acme/intent"))
    guard case .alreadyTrained(let version) = again else {
      Issue.record("trained twice: \(again)")
      return
    }
    #expect(version.digest == expected.digest)
  }

  @Test("adapters answer side by side as each does alone, and a swap moves an alias")
  func swaps() throws {
    let scratch = try Scratch()
    let workspace = scratch.workspace
    _ = try published(try workspace.train(recipe("acme/intent")))
    let second = try published(try workspace.train(recipe("acme/intent", seed: 2)))
    #expect(second.number == 2 && second.parent != nil)
    var options = GenerateOptions()
    options.maximumTokens = 8
    let prompt = "Customer: when do you close?\nIntent:"
    let references = ["acme/intent@1", "base", "acme/intent@2", "acme/intent@1"]
    let together = try workspace.generate(prompt, with: references, options: options)
    for (reference, answer) in zip(references, together) {
      let alone = try workspace.generate(prompt, with: [reference], options: options)
      #expect(alone[0].result.tokens == answer.result.tokens, "\(reference)")
    }
    #expect(together[0].digest != together[2].digest)
    let registry = workspace.registry
    _ = try registry.setAlias("production", to: "acme/intent@1")
    #expect(try workspace.generate(prompt, with: ["acme/intent"])[0].reference == "acme/intent@1")
    _ = try registry.setAlias("production", to: "acme/intent@2")
    #expect(try workspace.generate(prompt, with: ["acme/intent"])[0].reference == "acme/intent@2")
    _ = try registry.rollback("acme/intent", alias: "production")
    #expect(try workspace.generate(prompt, with: ["acme/intent"])[0].reference == "acme/intent@1")
    let pool = try workspace.openBase().adapters.statistics
    #expect(pool.resident == 2 && pool.loads == 2 && pool.hits > 0)
  }

  @Test("a base whose file is gone, or another, is refused by name")
  func changedBase() throws {
    let scratch = try Scratch()
    let copy = scratch.folder.appendingPathComponent("copy.gguf")
    try FileManager.default.copyItem(atPath: RealBase.path, toPath: copy.path)
    let workspace = try Workspace(home: scratch.folder.appendingPathComponent("other").path)
    _ = try workspace.addBase(path: copy.path, name: "copied")
    var bytes = try Data(contentsOf: copy)
    bytes[bytes.count - 100] ^= 1
    try bytes.write(to: copy)
    #expect(throws: WorkspaceError.self) { try workspace.openBase() }
    try FileManager.default.removeItem(at: copy)
    do {
      _ = try workspace.openBase("copied")
      Issue.record("a base without a file was opened")
    } catch let error as WorkspaceError {
      #expect(error.code == .baseChanged && error.message.contains("is gone"))
    }
  }
}
