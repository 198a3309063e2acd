public import Registry
public import Training

/// What `Workspace.train` tells while it works.
public enum TrainingProgress: Sendable {
  /// The data is read and encoded.
  case data(train: EncodingReport, evaluation: EncodingReport?, warning: String?)
  /// The adapter's layers are chosen.
  case adapter(name: String, layers: Int, parameters: Int, base: String)
  /// The run goes on where an earlier one stopped.
  case resumed(run: Int, step: Int)
  /// The run itself.
  case run(TrainingEvent)
  /// Answers of the evaluation after training.
  case answering(done: Int, total: Int)
}

/// How training ended.
public enum TrainingOutcome: Sendable {
  /// A new version is in the registry, with the metrics of its evaluation where there is data for one.
  case published(VersionRecord, Metrics?)
  /// The same recipe on the same data and base was trained before; this is its version.
  case alreadyTrained(VersionRecord)
  /// The run was stopped after `step`; training the same recipe again resumes it.
  case interrupted(run: Int, step: Int)
}
