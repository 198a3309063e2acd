import Foundation

/// The learning rate of each step: a linear warm-up from 0 to `peak`, then a schedule down to 0.
///
/// The same numbers as transformers' `get_linear_schedule_with_warmup`,
/// `get_cosine_schedule_with_warmup` and `get_constant_schedule_with_warmup`.
public struct LearningRate: Sendable, Equatable {
  /// What happens after the warm-up.
  public enum Schedule: String, Sendable, CaseIterable {
    /// A straight line down to 0 at the last step.
    case linear
    /// Half a cosine wave down to 0 at the last step.
    case cosine
    /// The peak to the end.
    case constant
  }

  /// The rate at the end of the warm-up.
  public let peak: Double
  /// What happens after the warm-up.
  public let schedule: Schedule
  /// Steps of warm-up.
  public let warmupSteps: Int
  /// Optimizer steps in the whole run.
  public let totalSteps: Int

  /// A schedule over `totalSteps` optimizer steps.
  public init(peak: Double, schedule: Schedule, warmupSteps: Int, totalSteps: Int) {
    precondition(warmupSteps >= 0 && totalSteps >= 0, "LearningRate: negative step count")
    self.peak = peak
    self.schedule = schedule
    self.warmupSteps = warmupSteps
    self.totalSteps = totalSteps
  }

  /// The rate that optimizer step `step`, counted from 0, is taken with.
  public func value(at step: Int) -> Double { peak * factor(at: step) }

  /// The part of the peak that step `step`, counted from 0, is taken with: in [0, 1].
  public func factor(at step: Int) -> Double {
    if step < warmupSteps { return Double(max(0, step)) / Double(warmupSteps) }
    let rest = Double(max(1, totalSteps - warmupSteps))
    switch schedule {
    case .linear: return max(0, Double(totalSteps - step) / rest)
    case .cosine: return max(0, 0.5 * (1 + cos(.pi * Double(step - warmupSteps) / rest)))
    case .constant: return 1
    }
  }
}
