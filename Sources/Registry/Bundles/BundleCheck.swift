import Foundation

/// The rules that values in a bundle keep, as those in a registry do because we wrote them.
struct BundleCheck {
  /// The bundle, which judges whether a text is JSON.
  let database: Database

  /// Refuses `contents` where a value breaks a rule.
  func check(_ contents: BundleContents) throws {
    for tag in contents.tags { try word("a tag", tag) }
    for note in contents.notes {
      guard (1...10_000).contains(note.text.utf8.count) else {
        throw RegistryError(.damaged, "a note has \(note.text.utf8.count) bytes")
      }
      try line("the author of a note", note.actor)
    }
    for alias in contents.aliases { try word("an alias", alias.alias) }
    for version in contents.versions { try check(version) }
  }

  private func check(_ version: BundleContents.Version) throws {
    let record = version.record
    let name = "version \(record.number)"
    try range("the number of a version", record.number, 1...1_000_000)
    try range("the rank of \(name)", record.rank, 0...1_000_000)
    try finite("the alpha of \(name)", record.alpha)
    try word("the method of \(name)", record.method)
    try json("the configuration of \(name)", record.configuration)
    try json("the prompt contract of \(name)", record.promptContract)
    if let note = record.note { try text("the note of \(name)", note, atMost: 10_000) }
    if let run = version.run { try check(run, of: name) }
    for evaluation in version.evaluations { try check(evaluation, of: name) }
  }

  private func check(_ run: BundleContents.Run, of name: String) throws {
    try check(run.record, of: name)
    for point in run.points { try check(point, of: name) }
    for step in run.digests.keys { try check(step: step, of: name) }
    for (role, dataset) in run.datasets {
      try word("the role of a dataset of \(name)", role)
      try check(dataset, of: name)
    }
  }

  private func check(_ run: RunRecord, of name: String) throws {
    guard run.status == .completed else {
      throw RegistryError(.damaged, "the run of \(name) is \(run.status.rawValue)")
    }
    try json("the recipe of \(name)", run.recipe)
    try line("the program that made \(name)", run.program)
    if let steps = run.totalSteps { try range("the steps of \(name)", steps, 0...1_000_000_000) }
    if let error = run.error { try text("the error of \(name)", error, atMost: 10_000) }
  }

  private func check(_ point: RunPoint, of name: String) throws {
    try check(step: point.step, of: name)
    let values = [
      point.loss, point.learningRate, point.gradientNorm, point.seconds, point.evalLoss,
    ]
    for value in values.compactMap({ $0 }) { try finite("step \(point.step) of \(name)", value) }
  }

  private func check(step: Int, of name: String) throws {
    try range("a step of \(name)", step, 0...1_000_000_000)
  }

  private func check(_ dataset: DatasetRecord, of name: String) throws {
    try line("a dataset's path of \(name)", dataset.path)
    try range("the rows of a dataset of \(name)", dataset.rows, 0...1_000_000_000)
  }

  private func check(_ evaluation: EvaluationRecord, of name: String) throws {
    try json("the settings of an evaluation of \(name)", evaluation.settings)
    try json("the metrics of an evaluation of \(name)", evaluation.metrics)
    if let score = evaluation.score { try finite("a score of \(name)", score) }
    if let scoreName = evaluation.scoreName { try line("the score's name of \(name)", scoreName) }
    try line("the program that evaluated \(name)", evaluation.program)
    try check(evaluation.data, of: name)
  }
}

extension BundleCheck {
  private func range(_ what: String, _ value: Int, _ allowed: ClosedRange<Int>) throws {
    guard allowed.contains(value) else { throw RegistryError(.damaged, "\(what) is \(value)") }
  }

  private func finite(_ what: String, _ value: Double) throws {
    guard value.isFinite else { throw RegistryError(.damaged, "\(what) holds \(value)") }
  }

  private func word(_ what: String, _ value: String) throws {
    do { _ = try Reference.checkedAlias(value) } catch {
      throw RegistryError(.damaged, "\(what) is '\(abridged(value))'")
    }
  }

  /// A short text that a terminal may show as it is.
  private func line(_ what: String, _ value: String) throws {
    try text(what, value, atMost: 4_096)
    let isPlain = value.unicodeScalars.allSatisfy { $0.properties.generalCategory != .control }
    guard isPlain else { throw RegistryError(.damaged, "\(what) holds control characters") }
  }

  private func text(_ what: String, _ value: String, atMost limit: Int) throws {
    guard value.utf8.count <= limit else {
      throw RegistryError(.damaged, "\(what) has \(value.utf8.count) bytes")
    }
  }

  private func json(_ what: String, _ value: String) throws {
    // As large as the largest configuration that is read.
    try text(what, value, atMost: 4_000_000)
    let isValid = try database.integer("SELECT json_valid(?)", [.text(value)])
    guard isValid == 1 else { throw RegistryError(.damaged, "\(what) is not JSON") }
  }
}
