/// What a command line asks for, checked against the specification: names, counts and presence of values.
package struct ParsedCommand: Sendable {
  /// The command's specification.
  package let spec: CommandSpec
  /// Values of options by name, in the order given; a flag has one empty value.
  package var options: [String: [String]] = [:]
  /// Arguments without a flag, in order.
  package var positionals: [String] = []

  /// Whether the flag is given.
  package func flag(_ name: String) -> Bool { options[name] != nil }

  /// The option's value, or nil where it is not given.
  package func string(_ name: String) -> String? { options[name]?.last }

  /// All values of an option that repeats.
  package func strings(_ name: String) -> [String] { options[name] ?? [] }

  /// The argument at `index`, or nil where there are fewer.
  package func positional(_ index: Int) -> String? {
    positionals.indices.contains(index) ? positionals[index] : nil
  }

  /// The option's value as an integer within `range`.
  package func integer(_ name: String, in range: ClosedRange<Int>) throws(UsageError) -> Int? {
    guard let text = string(name) else { return nil }
    let wanted =
      range.upperBound == Int.max
      ? "an integer of at least \(range.lowerBound)"
      : "an integer from \(range.lowerBound) to \(range.upperBound)"
    guard let value = Int(text), range.contains(value) else {
      throw wrong(name, wanted: wanted, text)
    }
    return value
  }

  /// The option's value as a number from `lowest` to `highest`, one or both of which may be barred.
  package func number(
    _ name: String, from lowest: Double = -.infinity, to highest: Double = .infinity,
    barring barred: [Double] = []
  ) throws(UsageError) -> Double? {
    guard let text = string(name) else { return nil }
    let isPlain = text.utf8.allSatisfy { "+-.eE0123456789".utf8.contains($0) }
    guard isPlain, let value = Double(text), value.isFinite, value >= lowest, value <= highest,
      !barred.contains(value)
    else {
      var wanted = "a number"
      switch (lowest.isFinite, highest.isFinite) {
      case (true, true): wanted += " from \(plain(lowest)) to \(plain(highest))"
      case (true, false): wanted += " of at least \(plain(lowest))"
      case (false, true): wanted += " of at most \(plain(highest))"
      case (false, false): break
      }
      if !barred.isEmpty { wanted += " but not " + barred.map(plain).joined(separator: " or ") }
      throw wrong(name, wanted: wanted, text)
    }
    return value
  }

  /// The option's value as one of `choices`.
  package func choice(_ name: String, of choices: [String]) throws(UsageError) -> String? {
    guard let text = string(name) else { return nil }
    guard choices.contains(text) else {
      throw wrong(name, wanted: "one of " + choices.joined(separator: ", "), text)
    }
    return text
  }

  /// Refuses two options that exclude each other.
  package func exclude(_ first: String, _ second: String) throws(UsageError) {
    if flag(first), flag(second) {
      throw UsageError(
        "--\(first) and --\(second) exclude each other; give one", command: spec.name)
    }
  }

  /// An error in the use of this command.
  package func misuse(_ message: String) -> UsageError { UsageError(message, command: spec.name) }

  private func wrong(_ name: String, wanted: String, _ text: String) -> UsageError {
    misuse("--\(name) takes \(wanted), not '\(text)'")
  }

  private func plain(_ value: Double) -> String {
    value == value.rounded() && abs(value) < 1e15 ? String(Int(value)) : String(value)
  }
}
