public import Adapters
public import Digests
public import JSON
public import Tensors

/// Everything that decides how an adapter is trained: `Adapters/<name>/recipe.json`, or flags.
///
/// Two recipes that train alike have the same canonical JSON and so the same digest, however they were
/// written. The keys are listed in `Recipe.fields`.
public struct Recipe: Sendable, Equatable {
  /// How an update is scaled.
  public enum Method: String, Sendable, CaseIterable {
    /// By alpha / r.
    case lora
    /// By alpha / sqrt(r).
    case rslora
  }

  /// How A and B start.
  public enum Initialisation: String, Sendable, CaseIterable {
    /// A uniform in ±1/sqrt(in), B zero; PEFT's `true`.
    case kaiming
    /// A normal with deviation 1/r, B zero.
    case gaussian
  }

  /// Which linear layers.
  public enum Modules: Sendable, Equatable {
    /// All but the head.
    case allLinear
    /// Those with one of these paths, or whose path ends in `.` and one of these.
    case names([String])
    /// Those whose whole path this regular expression matches.
    case pattern(String)
  }

  /// The adapter's name.
  public var name = ""
  /// What it is for, in a person's words.
  public var about: String?
  /// The base's name; nil where there is only one.
  public var base: String?

  /// How an update is scaled.
  public var method = Method.lora
  /// The inner size r of each update.
  public var rank = 16
  /// The scale's numerator.
  public var alpha = 32.0
  /// The layers to adapt.
  public var targets = Modules.allLinear
  /// Ranks of single layers; the first rule that matches wins.
  public var rankPattern: [ModuleRule<Int>] = []
  /// Alphas of single layers; the first rule that matches wins.
  public var alphaPattern: [ModuleRule<Double>] = []
  /// The blocks that names are looked for in; nil for all.
  public var layers: [Int]?
  /// Layers that are left alone although `targets` names them.
  public var excluded: Modules?
  /// The chance of an input value to be dropped while training.
  public var dropout = 0.0
  /// How A and B start.
  public var initialisation = Initialisation.kaiming

  /// The file to learn from, beside the recipe.
  public var train: String?
  /// The file to evaluate on.
  public var eval: String?
  /// How rows are told apart; nil to find out.
  public var format: DataFormat?
  /// A template over columns for the question.
  public var prompt: String?
  /// A template over columns for the answer.
  public var completion: String?
  /// Learn from the first rows only.
  public var limit: Int?
  /// Evaluate on the first rows only.
  public var evalLimit: Int?
  /// How questions are written; nil for the chat template where the base has one.
  public var style: PromptContract.Style?
  /// What the system is always told first.
  public var system: String?
  /// The answers that there are, where the task is classification.
  public var labels: [String] = []
  /// Which tokens are learnt.
  public var loss = LossScope.all
  /// Tokens that a sequence may have.
  public var maximumLength = 1024
  /// What becomes of longer rows.
  public var truncation = Truncation.keepAnswer

  /// The learning rate after the warm-up.
  public var rate = 5e-4
  /// How many times B's learning rate is A's (LoRA+).
  public var rateRatioB = 1.0
  /// AdamW's decay of the first moment.
  public var beta1 = 0.9
  /// AdamW's decay of the second moment.
  public var beta2 = 0.999
  /// AdamW's guard against division by zero.
  public var epsilon = 1e-8
  /// AdamW's decoupled weight decay.
  public var weightDecay = 0.0
  /// The largest global norm that gradients may have; 0 leaves them alone.
  public var clip = 1.0
  /// What the learning rate does after the warm-up.
  public var schedule = LearningRate.Schedule.linear
  /// Steps of warm-up; nil for a tenth of the run, at most 10.
  public var warmup: Int?

  /// How long the run is.
  public var extent = TrainingExtent.epochs(3)
  /// Sequences or tokens that go into one batch.
  public var batch = BatchSize.examples(16)
  /// Batches in one optimizer step.
  public var accumulate = 1
  /// Whether each pass over the data has its own random order.
  public var shuffle = true
  /// Where all randomness starts.
  public var seed = 42
  /// How the base's weights are held and multiplied; nil for the fastest here that keeps the losses, which a run records.
  public var precision: WeightFormat?
  /// Whether blocks are computed again in the backward: less memory, more time.
  public var recompute = false

  /// Steps between evaluations; nil for one at the end.
  public var evalEvery: Int?
  /// Evaluations without a better loss before the run stops; nil for never.
  public var patience: Int?
  /// Whether the result is the state with the best loss on the evaluation's data rather than the last.
  public var keepBest = false
  /// The longest answer that an evaluation waits for, in tokens.
  public var evalTokens = 128
  /// Steps between checkpoints.
  public var checkpointEvery = 10

  /// The folder that files are looked for in; no part of the recipe's identity.
  public var folder: String?

  /// The defaults.
  public init() {}

  /// The recipe as JSON with every key, absent values as null.
  public var json: JSONValue {
    var root = JSONObject()
    for field in Recipe.fields {
      let value = field.write(self)
      let path = field.path
      guard let section = path.section else {
        root[path.name] = value
        continue
      }
      var inner = root[section]?.objectValue ?? JSONObject()
      inner[path.name] = value
      root[section] = .object(inner)
    }
    return .object(root)
  }

  /// The one JSON text of this recipe: sorted keys, no spaces.
  public var canonicalJSON: String { json.text(.canonical) }

  /// SHA-256 of the canonical JSON.
  public var digest: Digest { Digest.of(canonicalJSON) }
}
