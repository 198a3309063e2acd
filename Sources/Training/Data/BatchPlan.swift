public import Tensors

/// How many sequences go through the model at once.
public enum BatchSize: Sendable, Equatable {
  /// This many sequences.
  case examples(Int)
  /// As many sequences as fit into this many tokens, and at least one.
  case tokens(Int)
}

/// How long a run is.
public enum TrainingExtent: Sendable, Equatable {
  /// Whole passes over the data.
  case epochs(Int)
  /// Optimizer steps; the data is gone through as often as it takes.
  case steps(Int)
}

/// What one optimizer step learns from: one or more ragged batches of sequence indices.
public struct TrainingStep: Sendable, Equatable {
  /// The pass over the data, counted from 0.
  public let epoch: Int
  /// Indices of sequences, a list for each batch; gradients add up over the batches.
  public let batches: [[Int]]
}

/// The order in which a run meets its sequences: fixed by lengths, sizes and seed alone.
///
/// A pass over the data takes every sequence once, in file order or shuffled; batches do not reach
/// across two passes, so a pass may end with a smaller batch and a step of fewer batches.
public struct BatchPlan: Sendable {
  /// A place between two steps, enough to go on exactly from there.
  public struct Cursor: Sendable, Equatable, Codable {
    /// Optimizer steps taken.
    public var step: Int
    /// The pass over the data, counted from 0.
    public var epoch: Int
    /// Sequences taken in this pass.
    public var position: Int
    /// The generator as it stood before this pass was shuffled.
    public var generator: SplitMix64
  }

  /// Tokens of each sequence.
  public let lengths: [Int]
  /// The size of one batch.
  public let size: BatchSize
  /// Batches in one optimizer step.
  public let accumulate: Int
  /// How long the run is.
  public let extent: TrainingExtent
  /// Whether each pass has its own random order.
  public let shuffle: Bool
  /// The place before the first step.
  public let start: Cursor

  /// A plan for sequences of `lengths` tokens.
  /// - Throws: `TrainingError` where there is nothing to learn from, or a size is not positive.
  public init(
    lengths: [Int], size: BatchSize, accumulate: Int = 1, extent: TrainingExtent,
    shuffle: Bool = true, seed: UInt64
  ) throws(TrainingError) {
    guard !lengths.isEmpty else {
      throw TrainingError(.badData, "there is no sequence to learn from")
    }
    let sizes =
      switch (size, extent) {
      case (.examples(let a), .epochs(let b)), (.examples(let a), .steps(let b)),
        (.tokens(let a), .epochs(let b)), (.tokens(let a), .steps(let b)):
        [a, b, accumulate]
      }
    guard sizes.allSatisfy({ $0 > 0 }) else {
      throw TrainingError(
        .badRecipe, "batch size, accumulated batches, epochs and steps must be positive")
    }
    self.lengths = lengths
    self.size = size
    self.accumulate = accumulate
    self.extent = extent
    self.shuffle = shuffle
    start = Cursor(step: 0, epoch: 0, position: 0, generator: SplitMix64(seed: seed))
  }

  /// The steps from `cursor` to the end of the run.
  /// - Throws: `TrainingError` where the cursor lies outside this plan.
  public func steps(from cursor: Cursor) throws(TrainingError) -> Steps {
    guard cursor.step >= 0, cursor.epoch >= 0, (0..<lengths.count).contains(cursor.position) else {
      throw TrainingError(
        .badCheckpoint,
        "the checkpoint stands at step \(cursor.step), row \(cursor.position) of pass"
          + " \(cursor.epoch), which lies outside this data of \(lengths.count) sequences")
    }
    return Steps(plan: self, cursor: cursor)
  }

  /// All steps of the run.
  public var steps: Steps { Steps(plan: self, cursor: start) }

  /// Optimizer steps in the whole run; with epochs by token budget, found by walking through them.
  public func countSteps() -> Int {
    switch (extent, stepsPerEpoch) {
    case (.steps(let count), _): return count
    case (.epochs(let epochs), .some(let steps)): return epochs * steps
    default: break
    }
    var walk = steps
    while walk.next() != nil {}
    return walk.cursor.step
  }

  /// Optimizer steps in one pass, where that does not depend on the order; nil where it does.
  public var stepsPerEpoch: Int? {
    guard case .examples(let count) = size else { return nil }
    return divide(divide(lengths.count, count), accumulate)
  }

  private func divide(_ number: Int, _ by: Int) -> Int { number / by + (number % by > 0 ? 1 : 0) }
}

extension BatchPlan {
  /// Gives the steps of a plan one by one.
  public struct Steps: Sequence, IteratorProtocol, Sendable {
    private let plan: BatchPlan
    private var order: [Int]
    private var nextGenerator: SplitMix64
    /// The place before the step that `next()` gives.
    public private(set) var cursor: Cursor

    init(plan: BatchPlan, cursor: Cursor) {
      self.plan = plan
      self.cursor = cursor
      nextGenerator = cursor.generator
      order = []
      arrange()
    }

    /// The next step, or nil at the end of the run.
    public mutating func next() -> TrainingStep? {
      switch plan.extent {
      case .epochs(let count) where cursor.epoch >= count: return nil
      case .steps(let count) where cursor.step >= count: return nil
      default: break
      }
      let epoch = cursor.epoch
      var batches: [[Int]] = []
      while batches.count < plan.accumulate, cursor.position < order.count {
        batches.append(nextBatch())
      }
      cursor.step += 1
      if cursor.position == order.count {
        cursor.epoch += 1
        cursor.position = 0
        cursor.generator = nextGenerator
        arrange()
      }
      return TrainingStep(epoch: epoch, batches: batches)
    }

    private mutating func nextBatch() -> [Int] {
      let first = cursor.position
      var end = first + 1
      switch plan.size {
      case .examples(let count):
        end = first + Swift.min(count, order.count - first)
      case .tokens(let budget):
        var left = budget - plan.lengths[order[first]]
        while end < order.count, plan.lengths[order[end]] <= left {
          left -= plan.lengths[order[end]]
          end += 1
        }
      }
      cursor.position = end
      return Array(order[first..<end])
    }

    /// Puts the rows of the pass that `cursor` stands in into their order (Fisher and Yates).
    private mutating func arrange() {
      order = Array(plan.lengths.indices)
      guard plan.shuffle else { return }
      nextGenerator = cursor.generator
      for last in stride(from: order.count - 1, to: 0, by: -1) {
        order.swapAt(last, nextGenerator.below(last + 1))
      }
    }
  }
}

extension SplitMix64 {
  /// A number in `0..<bound`, each as likely (Lemire, "Fast random integer generation in an
  /// interval", 2019).
  mutating func below(_ bound: Int) -> Int {
    let bound = UInt64(bound)
    let threshold = (0 &- bound) % bound
    while true {
      let product = next().multipliedFullWidth(by: bound)
      if product.low >= threshold { return Int(product.high) }
    }
  }
}
