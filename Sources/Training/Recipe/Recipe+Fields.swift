import Adapters
import JSON
import Tensors

extension Recipe {
  /// Every setting, in the order in which they are told.
  public static let fields: [RecipeField] = identity + method + data + optimizer + run + evaluation

  private static let identity: [RecipeField] = [
    .value(
      "name", flag: nil, \.name, expected: "a name such as 'support' or 'acme/support'",
      help: "the adapter's name", read: { $0.stringValue.flatMap { isName($0) ? $0 : nil } },
      write: { .string($0) }),
    .text("about", flag: nil, \.about, help: "what the adapter is for"),
    .text("base", flag: "base", \.base, help: "the base's name"),
  ]

  private static let method: [RecipeField] = [
    .choice("method", flag: "method", \.method, help: "how updates are scaled"),
    .integer("rank", flag: "rank", \.rank, 1...65_536, help: "the inner size of each update"),
    .number(
      "alpha", flag: "alpha", \.alpha, expected: "a number other than 0",
      help: "the scale's numerator: alpha / rank, or alpha / sqrt(rank)"
    ) { $0 != 0 && abs($0) <= 1e9 },
    .value(
      "targets", flag: "targets", \.targets,
      expected: "'all-linear', a list of names or a regular expression",
      help: "the layers to adapt: all-linear, q_proj,v_proj or a regular expression",
      read: { modules($0, allowsAll: true) }, write: written),
    .value(
      "rankPattern", flag: nil, \.rankPattern,
      expected: "an object of patterns with integers from 1 to 65536",
      help: "ranks of single layers",
      read: { rules($0) { $0.intValue.flatMap { (1...65_536).contains($0) ? $0 : nil } } },
      write: { .array($0.map { .array([.string($0.pattern), .int($0.value)]) }) }),
    .value(
      "alphaPattern", flag: nil, \.alphaPattern,
      expected: "an object of patterns with numbers other than 0", help: "alphas of single layers",
      read: { rules($0) { $0.doubleValue.flatMap { $0 != 0 && abs($0) <= 1e9 ? $0 : nil } } },
      write: { .array($0.map { .array([.string($0.pattern), .double($0.value)]) }) }),
    .optional(
      "layers", flag: "layers", \.layers, expected: "a list of block numbers",
      help: "the blocks that named layers are adapted in: 0,1,2",
      parse: { list($0, RecipeField.number) },
      read: { list($0) { $0.intValue.flatMap { (0...9999).contains($0) ? $0 : nil } } },
      write: { .array($0.map { .int($0) }) }),
    .optional(
      "exclude", flag: "exclude", \.excluded,
      expected: "a list of names or a regular expression", help: "layers to leave alone",
      read: { modules($0, allowsAll: false) }, write: written),
    .number(
      "dropout", flag: "dropout", \.dropout, expected: "a number from 0 to below 1",
      help: "the chance of an input value to be dropped"
    ) { (0..<1).contains($0) },
    .value(
      "init", flag: "init", \.initialisation, expected: "one of 'kaiming', 'gaussian'",
      help: "how training starts",
      read: {
        $0.boolValue == true ? .kaiming : $0.stringValue.flatMap(Initialisation.init(rawValue:))
      }, write: { .string($0.rawValue) }),
  ]

  private static let data: [RecipeField] = [
    .text("data.train", flag: "data", \.train, help: "the file to learn from"),
    .text("data.eval", flag: "eval", \.eval, help: "the file to evaluate on"),
    .choice("data.format", flag: "format", \.format, help: "the files' format"),
    .text("data.prompt", flag: "prompt", \.prompt, help: "a question with {column} in it"),
    .text("data.completion", flag: "completion", \.completion, help: "an answer with {column}"),
    .integer("data.limit", flag: "limit", \.limit, 1...Int.max, help: "learn from so many rows"),
    .integer(
      "data.evalLimit", flag: "eval-limit", \.evalLimit, 1...Int.max,
      help: "evaluate on so many rows"),
    .choice("style", flag: "style", \.style, help: "questions by chat template or plain"),
    .text("system", flag: "system", \.system, help: "what the system is always told first"),
    .value(
      "labels", flag: "labels", \.labels, expected: "a list of different strings",
      help: "the answers of a classification: yes,no", parse: { list($0) { .string($0) } },
      read: { list($0, \.stringValue).flatMap { Set($0).count == $0.count ? $0 : nil } },
      write: { .array($0.map { .string($0) }) }),
    .choice("loss", flag: "loss", \.loss, help: "which tokens are learnt"),
    .integer(
      "maxLength", flag: "max-length", \.maximumLength, 2...1_048_576,
      help: "tokens that a sequence may have"),
    .choice("truncation", flag: "truncation", \.truncation, help: "what becomes of longer rows"),
  ]

  private static let optimizer: [RecipeField] = [
    .number(
      "optimizer.lr", flag: "lr", \.rate, expected: "a number above 0",
      help: "the learning rate after the warm-up"
    ) { $0 > 0 && $0 <= 1e3 },
    .number(
      "optimizer.lrRatioB", flag: "lr-ratio-b", \.rateRatioB, expected: "a number above 0",
      help: "how many times B's learning rate is A's"
    ) { $0 > 0 && $0 <= 1e6 },
    .number("optimizer.beta1", flag: nil, \.beta1, expected: unit, help: "AdamW's first decay") {
      (0..<1).contains($0)
    },
    .number("optimizer.beta2", flag: nil, \.beta2, expected: unit, help: "AdamW's second decay") {
      (0..<1).contains($0)
    },
    .number(
      "optimizer.epsilon", flag: nil, \.epsilon, expected: "a number above 0",
      help: "AdamW's guard against division by zero"
    ) { $0 > 0 && $0 <= 1 },
    .number(
      "optimizer.weightDecay", flag: "weight-decay", \.weightDecay, expected: "a number from 0",
      help: "AdamW's weight decay"
    ) { $0 >= 0 && $0 <= 1e3 },
    .number(
      "optimizer.clip", flag: "clip", \.clip, expected: "a number from 0",
      help: "the largest norm of the gradient; 0 for no limit"
    ) { $0 >= 0 },
    .choice("schedule.kind", flag: "schedule", \.schedule, help: "the learning rate's way down"),
    .integer("schedule.warmup", flag: "warmup", \.warmup, 0...1_000_000, help: "warm-up steps"),
  ]

  private static let unit = "a number from 0 to below 1"

  private static let run: [RecipeField] = [
    .optional(
      "epochs", flag: "epochs", \.epochs, expected: "an integer from 1 to 100000",
      help: "passes over the data", parse: RecipeField.number,
      read: { $0.intValue.flatMap { (1...100_000).contains($0) ? $0 : nil } },
      write: { .int($0) }),
    .optional(
      "steps", flag: "steps", \.steps, expected: "an integer from 1 to 100000000",
      help: "optimizer steps", parse: RecipeField.number,
      read: { $0.intValue.flatMap { (1...100_000_000).contains($0) ? $0 : nil } },
      write: { .int($0) }),
    .integer(
      "batch.examples", flag: "batch-size", \.batchExamples, 1...1_000_000,
      help: "sequences in a batch"),
    .integer(
      "batch.tokens", flag: "batch-tokens", \.batchTokens, 1...100_000_000,
      help: "tokens in a batch"),
    .integer(
      "accumulate", flag: "accumulate", \.accumulate, 1...100_000,
      help: "batches in an optimizer step"),
    .boolean("shuffle", flag: "shuffle", \.shuffle, help: "shuffle each pass over the data"),
    .integer("seed", flag: "seed", \.seed, 0...Int.max, help: "where randomness starts"),
    .choice(
      "precision", flag: "precision", \.precision,
      help: "how the base is held and multiplied (default: bf16 where the processor has it)"),
    .boolean("recompute", flag: "recompute", \.recompute, help: "less memory, more time"),
    .integer(
      "checkpointEvery", flag: "checkpoint-every", \.checkpointEvery, 1...1_000_000,
      help: "steps between checkpoints"),
  ]

  private static let evaluation: [RecipeField] = [
    .integer(
      "evaluation.every", flag: "eval-every", \.evalEvery, 1...Int.max,
      help: "steps between evaluations"),
    .integer(
      "evaluation.patience", flag: "patience", \.patience, 1...Int.max,
      help: "evaluations without a better loss before the run stops"),
    .boolean(
      "evaluation.keepBest", flag: "keep-best", \.keepBest, help: "keep the best, not the last"),
    .integer(
      "evaluation.maxTokens", flag: "eval-tokens", \.evalTokens, 1...100_000,
      help: "the longest answer of an evaluation"),
  ]
}

/// Two keys for one value: setting one takes the other away.
extension Recipe {
  private var epochs: Int? {
    get { if case .epochs(let count) = extent { count } else { nil } }
    set { if let newValue { extent = .epochs(newValue) } }
  }

  private var steps: Int? {
    get { if case .steps(let count) = extent { count } else { nil } }
    set { if let newValue { extent = .steps(newValue) } }
  }

  private var batchExamples: Int? {
    get { if case .examples(let count) = batch { count } else { nil } }
    set { if let newValue { batch = .examples(newValue) } }
  }

  private var batchTokens: Int? {
    get { if case .tokens(let count) = batch { count } else { nil } }
    set { if let newValue { batch = .tokens(newValue) } }
  }

  /// Keys that one recipe may not both have.
  static let exclusive = [("epochs", "steps"), ("batch.examples", "batch.tokens")]
}
