import Tensors

/// What to measure and how to tell.
struct BenchmarkOptions {
  /// Why the arguments make no sense.
  struct UsageError: Error, CustomStringConvertible {
    let description: String
  }

  static let usage = """
    usage: lorikeet-bench [--json] [--only PREFIX] [--repeat N] [--base NAME] [--weights FORMAT] [--plot FILE]

      --json          one JSON object a line: name, unit, value (median), all values, peakBytes
      --only PREFIX   only the benchmark of that name, or those whose name begins so (train, prefill,
                      decode, load, swap, registry, curve, scale); curves only where asked for
      --repeat N      measure each N times and tell the median (default 5)
      --base NAME     a base of the registry (default: the only one)
      --weights FORMAT  f32, bf16, int8 or native (default: what training and answering have)
      --plot FILE     draw the growth of scale/... or curve/... as an SVG
    """

  var isHelp = false
  var isJSON = false
  var only = ""
  var repeats = 5
  var base: String?
  var plot: String?
  var weights: WeightFormat?

  /// Whether any benchmark that is asked for needs a base; those of scale do not.
  var needsBase: Bool { !only.hasPrefix("scale") }

  init(_ arguments: [String]) throws {
    var rest = arguments[...]
    while let argument = rest.popFirst() {
      switch argument {
      case "--help", "-h": isHelp = true
      case "--json": isJSON = true
      case "--only": only = try BenchmarkOptions.value(of: argument, &rest)
      case "--base": base = try BenchmarkOptions.value(of: argument, &rest)
      case "--plot": plot = try BenchmarkOptions.value(of: argument, &rest)
      case "--weights":
        guard let format = WeightFormat(rawValue: try BenchmarkOptions.value(of: argument, &rest))
        else { throw UsageError(description: "--weights takes f32, bf16, int8 or native") }
        weights = format
      case "--repeat":
        guard let number = Int(try BenchmarkOptions.value(of: argument, &rest)), number > 0 else {
          throw UsageError(description: "--repeat takes a whole number above 0")
        }
        repeats = number
      default: throw UsageError(description: "'\(argument)'?\n\(BenchmarkOptions.usage)")
      }
    }
    guard plot == nil || only.hasPrefix("scale") || only.hasPrefix("curve") else {
      throw UsageError(description: "--plot goes with --only scale or --only curve")
    }
  }

  private static func value(of flag: String, _ rest: inout ArraySlice<String>) throws -> String {
    guard let value = rest.popFirst() else {
      throw UsageError(description: "\(flag) needs a value")
    }
    return value
  }
}
