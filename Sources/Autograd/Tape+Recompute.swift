extension Tape {
  /// Runs `body` on `x` keeping nothing but its input; the backward runs it again, recording (Chen et al., "Training
  /// deep nets with sublinear memory cost", 2016).
  ///
  /// Gradients are the same bits as without: the second run repeats the first exactly.
  /// - Parameter isTrainable: Whether anything trainable is applied inside `body`.
  public func recomputing(
    _ x: Variable, isTrainable: Bool, _ body: @escaping (Tape, Variable) -> Variable
  ) -> Variable {
    let quiet = Tape(pool: pool, recycler: recycler, recording: false)
    let output = Variable(
      body(quiet, Variable(x.value)).value,
      requiresGradient: isRecording && (x.requiresGradient || isTrainable))
    record(output) { [self] dy in
      let again = Tape(pool: pool, recycler: recycler, recording: true)
      let input = Variable(x.value, requiresGradient: x.requiresGradient)
      again.seed(body(again, input), with: dy)
      again.backward()
      if let gradient = input.gradient { give(gradient, to: x) }
    }
    return output
  }
}
