import Lorikeet
import Tensors

/// The tool as a whole: reads the command line, runs the command, turns any error into a line and an exit code.
public enum Tool {
  /// The version, as `CHANGELOG.md` heads it.
  package static let version = "0.1.0"

  /// Options that every command takes.
  package static let globals = [
    OptionSpec("registry", "FILE", help: "the registry (default: registry.sqlite in the home)"),
    OptionSpec("home", "DIR", help: "models and registry (default: LORIKEET_HOME or ~/.lorikeet)"),
    OptionSpec("json", help: "results as JSON, progress as JSON lines"),
    OptionSpec("quiet", help: "only results and errors"),
    OptionSpec("no-color", help: "no colours (so does NO_COLOR)"),
  ]

  /// Runs the process's command line, whose first element is the tool's own name, and gives the exit code.
  public static func main(_ arguments: [String], environment: [String: String]) -> Int32 {
    CutFile.catchSignal()
    let console = Console.process(environment: environment)
    if let problem = EnvironmentCheck.problem {
      console.error("lorikeet: \(problem)\n")
      return ExitCode.usage.rawValue
    }
    return run(Array(arguments.dropFirst()), console: console, environment: environment).rawValue
  }

  /// Runs one command line.
  package static func run(
    _ arguments: [String], console: Console, environment: [String: String]
  ) -> ExitCode {
    let parser = ArgumentParser(commands: commands.map(\.spec), globals: globals)
    do {
      var code = ExitCode.done
      switch try parser.parse(arguments) {
      case .help(let words): console.write(Help(parser).page(words))
      case .version: console.line("lorikeet \(version)")
      case .run(let parsed): code = try run(parsed, console: console, environment: environment)
      }
      guard code == .done, console.hasLostOutput else { return code }
      throw WorkspaceError(
        .cannotWrite, "the output could not be written to its end; is there room where it goes?")
    } catch {
      return fail(error, console)
    }
  }

  private static func run(
    _ parsed: ParsedCommand, console: Console, environment: [String: String]
  ) throws -> ExitCode {
    console.json = parsed.flag("json")
    console.quiet = parsed.flag("quiet")
    console.plain = parsed.flag("no-color")
    guard let command = commands.first(where: { $0.spec.path == parsed.spec.path }) else {
      preconditionFailure("the parser knows only the tool's commands")
    }
    return try command.run(Session(parsed, console: console, environment: environment))
  }

  private static func fail(_ error: any Error, _ console: Console) -> ExitCode {
    console.error("lorikeet: \(oneLine(error))\n")
    return error is UsageError ? .usage : .data
  }
}
