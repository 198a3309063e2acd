import Adapters
import Expect
import Foundation
import JSON
import Tensors
import Testing
import Training

@Suite("Recipe")
struct RecipeTests {
  func read(_ text: String) throws -> Recipe { try Recipe(parsing: text.utf8) }

  func message(_ body: () throws -> Void) -> String {
    do {
      try body()
      return "no error"
    } catch { return "\(error)" }
  }

  @Test("has the command line's defaults")
  func defaults() throws {
    let recipe = try read("{}")
    #expect(recipe == Recipe())
    #expect((recipe.rank, recipe.alpha, recipe.rate, recipe.clip) == (16, 32, 5e-4, 1))
    #expect((recipe.method, recipe.schedule, recipe.targets) == (.lora, .linear, .allLinear))
  }

  @Test("reads every key")
  func allKeys() throws {
    let recipe = try read(
      """
      {"name": "acme/support", "about": "a test", "base": "b", "method": "rslora", "rank": 8,
       "alpha": 4.5, "targets": ["q_proj", "v_proj"], "rankPattern": {"v_proj": 2, "q_proj": 3},
       "alphaPattern": [["x", 1], ["a", 2.5]], "layers": [0, 2], "exclude": ".*mlp.*",
       "dropout": 0.1, "init": "gaussian",
       "data": {"train": "t.csv", "eval": "e.csv", "format": "csv", "prompt": "{a}",
         "completion": "{b}", "limit": 7, "evalLimit": 3},
       "style": "plain", "system": "s", "labels": ["x", "y"], "loss": "last", "maxLength": 64, "truncation": "drop",
       "optimizer": {"lr": 1e-3, "lrRatioB": 16, "beta1": 0.8, "beta2": 0.99, "epsilon": 1e-6,
         "weightDecay": 0.1, "clip": 0},
       "schedule": {"kind": "cosine", "warmup": 5}, "steps": 9, "batch": {"tokens": 512},
       "accumulate": 2, "shuffle": false, "seed": 7, "recompute": true,
       "precision": "bf16", "checkpointEvery": 3,
       "evaluation": {"every": 4, "patience": 2, "keepBest": true, "maxTokens": 5}}
      """)
    #expect(recipe.name == "acme/support")
    #expect((recipe.method, recipe.rank, recipe.alpha) == (.rslora, 8, 4.5))
    #expect(recipe.targets == .names(["q_proj", "v_proj"]))
    #expect(recipe.rankPattern == [.init("v_proj", 2), .init("q_proj", 3)])
    #expect(recipe.alphaPattern == [.init("x", 1), .init("a", 2.5)])
    #expect(recipe.layers == [0, 2])
    #expect(recipe.excluded == .pattern(".*mlp.*"))
    #expect((recipe.dropout, recipe.initialisation) == (0.1, .gaussian))
    #expect((recipe.train, recipe.eval, recipe.format) == ("t.csv", "e.csv", .csv))
    #expect((recipe.prompt, recipe.completion) == ("{a}", "{b}"))
    #expect((recipe.limit, recipe.evalLimit, recipe.system) == (7, 3, "s"))
    #expect(recipe.style == .plain)
    #expect((recipe.labels, recipe.loss) == (["x", "y"], .last))
    #expect((recipe.maximumLength, recipe.truncation) == (64, .drop))
    #expect((recipe.rate, recipe.rateRatioB, recipe.clip) == (1e-3, 16, 0))
    #expect((recipe.beta1, recipe.beta2, recipe.epsilon) == (0.8, 0.99, 1e-6))
    #expect((recipe.weightDecay, recipe.schedule, recipe.warmup) == (0.1, .cosine, 5))
    #expect((recipe.extent, recipe.batch) == (.steps(9), .tokens(512)))
    #expect((recipe.accumulate, recipe.shuffle, recipe.seed) == (2, false, 7))
    #expect((recipe.recompute, recipe.checkpointEvery) == (true, 3))
    #expect(recipe.precision == .bf16)
    #expect((recipe.evalEvery, recipe.patience, recipe.evalTokens) == (4, 2, 5))
    #expect(recipe.keepBest)
    try recipe.check()
    #expect(recipe.trainerSettings.clip == nil)
    #expect(recipe.learningRate(totalSteps: 9).value(at: 5) == 1e-3)
    var configuration = LoRAConfiguration(
      rank: 8, alpha: 4.5, targets: .names(["q_proj", "v_proj"]), usesRSLoRA: true, dropout: 0.1,
      rankPattern: [.init("v_proj", 2), .init("q_proj", 3)],
      alphaPattern: [.init("x", 1), .init("a", 2.5)], excluded: .pattern(".*mlp.*"),
      layers: .many([0, 2]), initialisation: .gaussian)
    configuration.notes.baseModel = "b"
    #expect(recipe.loraConfiguration == configuration)
    #expect(try Recipe(json: recipe.json) == recipe)
    #expect(try read(recipe.canonicalJSON) == recipe)
    // Every setting was given a value other than its default.
    let plain = Recipe().json
    for field in Recipe.fields where !["epochs", "batch.examples"].contains(field.key) {
      let parts = field.key.split(separator: ".").map(String.init)
      let values = [recipe.json, plain].map { parts.reduce($0) { $0[$1] ?? .null } }
      #expect(values[0] != values[1], "\(field.key)")
    }
  }

  @Test("of a run that recorded no precision is of a time when there was only f32")
  func recordedPrecision() throws {
    #expect(try Recipe(recorded: #"{"name":"a"}"#).precision == .f32)
    #expect(try Recipe(recorded: #"{"name":"a","precision":"bf16"}"#).precision == .bf16)
    #expect(try read(#"{"name":"a"}"#).precision == nil)
  }

  @Test("has one digest for one meaning")
  func digests() throws {
    let one = try read(#"{"name":"a","optimizer":{"lr":5e-4},"alpha":32,"targets":"q_proj"}"#)
    let same = try read(
      #"{ "targets": ["q_proj"], "alpha": 32.0, "optimizer": {"lr": 0.0005}, "name": "a" }"#)
    #expect(one.digest == same.digest)
    for other in [
      #"{"name":"a","targets":"v_proj"}"#, #"{"name":"a","targets":"q_proj","seed":43}"#,
      #"{"name":"a","targets":"q_proj","rankPattern":{"a":1,"b":2}}"#,
      #"{"name":"a","targets":"q_proj","rankPattern":{"b":2,"a":1}}"#,
    ] {
      #expect(try read(other).digest != one.digest, "\(other)")
    }
    #expect(
      try read(#"{"rankPattern":{"a":1,"b":2}}"#).digest
        != read(#"{"rankPattern":{"b":2,"a":1}}"#).digest)
  }

  @Test(
    "names the key, what it takes and what was found",
    arguments: [
      (#"{"rnak": 1}"#, "unknown key 'rnak'; did you mean 'rank'?"),
      (#"{"optimizer": {"learnrate": 1}}"#, "unknown key 'optimizer.learnrate'; there are "),
      (#"{"lr": 1}"#, "unknown key 'lr'; did you mean 'optimizer.lr'?"),
      (#"{"optimizer": {"rank": 1}}"#, "unknown key 'optimizer.rank'; did you mean 'rank'?"),
      (#"{"optimizer": {"weight_decay": 1}}"#, "did you mean 'optimizer.weightDecay'?"),
      (#"{"warmup": 1}"#, "did you mean 'schedule.warmup'?"),
      (#"{"quantisation_of_everything": 1}"#, "there are 'name', "),
      (#"{"data": "x"}"#, "'data' should be an object, found a string"),
      (#"{"rank": "8"}"#, "'rank' should be an integer from 1 to 65536, found the string \"8\""),
      (#"{"rank": 0}"#, "'rank' should be an integer from 1 to 65536, found 0"),
      (#"{"rank": 1.5}"#, "found 1.5"),
      (#"{"rank": null}"#, "found null"),
      (#"{"dropout": 1}"#, "'dropout' should be a number from 0 to below 1, found 1"),
      (#"{"optimizer": {"lr": 0}}"#, "'optimizer.lr' should be a number above 0, found 0"),
      (#"{"schedule": {"kind": "step"}}"#, "should be one of 'linear', 'cosine', 'constant'"),
      (#"{"shuffle": 1}"#, "'shuffle' should be true or false, found 1"),
      (#"{"targets": []}"#, "'targets' should be 'all-linear', a list of names or a regular"),
      (#"{"exclude": "all-linear"}"#, "'exclude' should be a list of names or a regular"),
      (#"{"labels": ["a", "a"]}"#, "'labels' should be a list of different strings"),
      (#"{"rankPattern": {"a": 0}}"#, "'rankPattern' should be an object of patterns"),
      (#"{"steps": 1, "epochs": 1}"#, "give 'epochs' or 'steps', not both"),
      (#"{"batch": {"tokens": 1, "examples": 1}}"#, "'batch.examples' or 'batch.tokens'"),
      (#"{"name": "A b"}"#, "'name' should be a name such as"),
      (#"{"rank": 8, "rank": 8}"#, "the key 'rank' stands twice"),
      ("[]", "a recipe should be an object, found a list"),
      ("", "the text ends"),
    ])
  func refusals(text: String, reason: String) {
    let found = message { _ = try read(text) }
    #expect(found.contains(reason), "\(found)")
  }

  @Test("takes flags by name, the last one of a kind counts")
  func flags() throws {
    var recipe = try read(#"{"name":"a","epochs":2,"batch":{"tokens":9}}"#)
    try recipe.apply(flags: [
      ("base", "b"), ("data", "d.jsonl"), ("eval", "e.jsonl"), ("method", "rslora"),
      ("rank", "4"), ("alpha", "8"), ("targets", "q_proj,v_proj"), ("dropout", "0.5"),
      ("lr", "1e-4"), ("schedule", "cosine"), ("warmup", "3"), ("steps", "5"),
      ("batch-size", "2"), ("accumulate", "3"), ("clip", "0.5"), ("weight-decay", "0.01"),
      ("seed", "1"), ("seed", "2"), ("eval-every", "4"), ("patience", "6"), ("shuffle", "false"),
      ("labels", "yes,no"), ("layers", "0,3"), ("keep-best", ""),
    ])
    #expect((recipe.base, recipe.train, recipe.eval) == ("b", "d.jsonl", "e.jsonl"))
    #expect((recipe.method, recipe.rank, recipe.alpha) == (.rslora, 4, 8))
    #expect((recipe.targets, recipe.dropout) == (.names(["q_proj", "v_proj"]), 0.5))
    #expect((recipe.rate, recipe.schedule, recipe.warmup) == (1e-4, .cosine, 3))
    #expect((recipe.extent, recipe.batch) == (.steps(5), .examples(2)))
    #expect((recipe.accumulate, recipe.clip, recipe.weightDecay) == (3, 0.5, 0.01))
    #expect((recipe.seed, recipe.evalEvery, recipe.patience) == (2, 4, 6))
    #expect((recipe.shuffle, recipe.keepBest) == (false, true))
    #expect((recipe.labels, recipe.layers) == (["yes", "no"], [0, 3]))
    try recipe.check()
    #expect(
      Recipe.fields.filter(\.isSwitch).compactMap(\.flag) == ["shuffle", "recompute", "keep-best"])
    try recipe.apply(flags: [("targets", #".*\.(q|v)_proj"#), ("batch-tokens", "256")])
    #expect((recipe.targets, recipe.batch) == (.pattern(#".*\.(q|v)_proj"#), .tokens(256)))
  }

  @Test(
    "refuses flags that are unknown, take something else or contradict each other",
    arguments: [
      ([("wieght-decay", "1")], "unknown flag '--wieght-decay'; did you mean '--weight-decay'?"),
      ([("rank", "many")], "'--rank' should be an integer from 1 to 65536, found 'many'"),
      ([("lr", "")], "'--lr' should be a number above 0, found ''"),
      ([("shuffle", "maybe")], "'--shuffle' should be true or false, found 'maybe'"),
      ([("epochs", "1"), ("steps", "1")], "give '--epochs' or '--steps', not both"),
    ])
  func badFlags(flags: [(String, String)], reason: String) {
    let found = message {
      var recipe = Recipe()
      try recipe.apply(flags: flags.map { (name: $0.0, value: $0.1) })
    }
    #expect(found == reason)
  }

  @Test(
    "refuses values that contradict each other",
    arguments: [
      (#"{"data":{"train":"a"}}"#, "has no name"),
      (#"{"name":"a"}"#, "no data to learn from"),
      (#"{"name":"a","data":{"train":"a","prompt":"{a}"}}"#, "give both or neither"),
      (#"{"name":"a","data":{"train":"a"},"layers":[1]}"#, "'targets' given as names"),
      (#"{"name":"a","data":{"train":"a"},"evaluation":{"every":1}}"#, "'data.eval'"),
      (#"{"name":"a","data":{"train":"a"},"evaluation":{"patience":1}}"#, "'evaluation.every'"),
    ])
  func contradictions(text: String, reason: String) throws {
    let recipe = try read(text)
    let found = message { try recipe.check() }
    #expect(found.contains(reason), "\(found)")
  }

  @Test("refuses the name that means the base without an adapter")
  func baseName() throws {
    #expect(message { _ = try read(#"{"name":"base"}"#) }.contains("'name' should be a name"))
    #expect(try read(#"{"name":"base/a"}"#).name == "base/a")
    var recipe = Recipe()
    (recipe.name, recipe.train) = ("base", "a.jsonl")
    #expect(message { try recipe.check() }.contains("choose another name"))
  }

  @Test("refuses a run that ends before its warm-up", arguments: [(3, 3), (50, 1)])
  func warmup(warmup: Int, steps: Int) throws {
    var recipe = Recipe()
    (recipe.warmup, recipe.extent) = (warmup, .steps(steps))
    let found = message { _ = try recipe.batchPlan(lengths: [4, 4]) }
    #expect(
      found.hasPrefix("the run has \(steps) steps, and its warm-up of \(warmup) ends after them"))
    recipe.extent = .epochs(warmup + 1)
    #expect(try recipe.batchPlan(lengths: [4, 4]).countSteps() == warmup + 1)
    recipe.extent = .epochs(warmup)
    #expect(message { _ = try recipe.batchPlan(lengths: [4, 4]) }.contains("--warmup"))
    recipe.warmup = nil
    #expect(try recipe.batchPlan(lengths: [4, 4]).countSteps() == warmup)
  }

  @Test("says so where there is no recipe, and finds files beside one")
  func files() throws {
    #expect(message { _ = try Recipe.load(path: "/nowhere") }.contains("cannot read the recipe"))
    #expect(message { _ = try Recipe.load(path: "/") }.contains("recipe.json"))
    var recipe = Recipe()
    #expect(recipe.path(of: "a.jsonl") == "a.jsonl")
    recipe.folder = "/x/y"
    #expect(recipe.path(of: "a.jsonl") == "/x/y/a.jsonl")
    #expect(recipe.path(of: "/a.jsonl") == "/a.jsonl")
  }

  @Test("fixes the style and the system of the base's contract")
  func contract() throws {
    let base = Toy.encoder().contract
    var recipe = Recipe()
    #expect(try recipe.contract(of: base) == base)
    recipe.style = .plain
    recipe.system = "s"
    let plain = try recipe.contract(of: base)
    #expect((plain.style, plain.chatTemplate, plain.system) == (.plain, nil, "s"))
    recipe.style = .chat
    #expect(try recipe.contract(of: base).chatTemplate == "toy")
    #expect(message { _ = try recipe.contract(of: plain) }.contains("the base has none"))
  }

  static let adapters = ["intent-kwikemart", "json-kwikemart", "persona-nova", "sentiment-tweets"]

  @Test("each recipe under Adapters can be read with its data", arguments: adapters)
  func shipped(name: String) throws {
    let folder = Fixtures.folder.deletingLastPathComponent().deletingLastPathComponent()
      .appendingPathComponent("Adapters/\(name)")
    let recipe = try Recipe.load(path: folder.path)
    try recipe.check()
    #expect(recipe.name == name)
    let train = try Dataset.load(
      path: recipe.path(of: try #require(recipe.train)), options: recipe.trainingOptions)
    let eval = try Dataset.load(
      path: recipe.path(of: try #require(recipe.eval)), options: recipe.evaluationOptions)
    #expect(recipe.limit == nil || train.examples.count == recipe.limit)
    let seen = Set(train.examples.map { "\($0.content)" })
    #expect(eval.examples.allSatisfy { !seen.contains("\($0.content)") })
    // A recipe that fixes a system message fixes the one that its rows have.
    let encoder = Toy.encoder(system: recipe.system)
    let encoded = try encoder.encode(eval, options: .init(maximumLength: 4096))
    #expect(encoded.report.dropped == 0)
    if !recipe.labels.isEmpty {
      let references = try encoder.questions(eval).map(\.reference)
      #expect(Set(references).isSubset(of: recipe.labels))
    }
  }
}
