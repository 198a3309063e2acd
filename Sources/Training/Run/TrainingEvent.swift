/// What a run tells while it goes on.
public enum TrainingEvent: Sendable, Equatable {
  /// The run begins, or goes on, at `step` of `totalSteps`.
  case started(step: Int, totalSteps: Int)
  /// One optimizer step is done.
  case step(StepReport, rate: Double, totalSteps: Int, seconds: Double)
  /// The held-out data has been looked at.
  case evaluation(step: Int, metrics: Metrics, isBest: Bool)
  /// The run can be resumed from here.
  case checkpoint(step: Int)
  /// The held-out loss has not improved for as long as the recipe allows.
  case stoppedEarly(step: Int, bestStep: Int)
}
