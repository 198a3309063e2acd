package import Lorikeet
import Tensors

extension Tool {
  /// How the base's weights are held where a command answers or evaluates.
  static let weightsOption = OptionSpec(
    "weights", "FORMAT", help: "hold the base as f32, bf16, int8 or native (default: native)")
}

/// One run of the tool: what was asked for, where to write, and the workspace behind it.
package final class Session {
  /// What was asked for.
  package let arguments: ParsedCommand
  /// Where results and notes go.
  package let console: Console
  /// The environment's variables.
  package let environment: [String: String]
  private var opened: Workspace?

  /// A run of `arguments`.
  package init(_ arguments: ParsedCommand, console: Console, environment: [String: String]) {
    self.arguments = arguments
    self.console = console
    self.environment = environment
  }

  /// The workspace, opened when first asked for.
  package func workspace() throws -> Workspace {
    if let opened { return opened }
    let home = arguments.string("home") ?? environment["LORIKEET_HOME"]
    let workspace = try Workspace(
      home: home.flatMap { $0.isEmpty ? nil : $0 }, registry: arguments.string("registry"))
    let weights = try arguments.choice("weights", of: WeightFormat.allCases.map(\.rawValue))
    workspace.servingWeights = weights.flatMap(WeightFormat.init) ?? workspace.servingWeights
    workspace.note = { [console] in console.note("note: \($0)") }
    opened = workspace
    return workspace
  }

  /// The registry's file, without opening it.
  package var registryPath: String {
    let home = arguments.string("home") ?? environment["LORIKEET_HOME"]
    return arguments.string("registry")
      ?? Workspace.registryPath(home: home.flatMap { $0.isEmpty ? nil : $0 })
  }

  /// The argument at `index`, which the specification demands.
  package func argument(_ index: Int) -> String {
    guard let value = arguments.positional(index) else {
      preconditionFailure("the parser saw to it that argument \(index) is there")
    }
    return value
  }
}
