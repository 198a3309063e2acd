import Foundation
import JSON
import Lorikeet
import Registry
import Training

extension Tool {
  static let train = Command(
    ending: CommandSpec(
      "train", group: "Training", summary: "train adapters by recipes, or one by flags",
      details: [
        "A recipe is a folder with recipe.json and its data; several share one loaded base. "
          + "Without a recipe: a NAME with --data, and --base where there are several bases. "
          + "Flags given beside a recipe take precedence over it.",
        "A run that was stopped goes on exactly where its last checkpoint stands when the same "
          + "command is given again; what is trained already is not trained twice. "
          + "The first Ctrl-C stops after the step and saves, the second at once.",
      ],
      positionals: [
        PositionalSpec("RECIPE", .several, help: "recipe folders, or the name of a new adapter")
      ],
      options: recipeOptions + [
        OptionSpec(
          "resume", section: "Run", help: "go on with a stopped run; it is what happens anyway"),
        OptionSpec("fresh", section: "Run", help: "train anew, whatever there is"),
      ],
      examples: [
        ExampleSpec("lorikeet train Adapters/intent-kwikemart", "by a recipe"),
        ExampleSpec(
          "lorikeet train Adapters/intent-kwikemart Adapters/sentiment-tweets", "two, one base"),
        ExampleSpec(
          "lorikeet train Adapters/intent-kwikemart --steps 10 --warmup 2 --rank 8", "a variant"),
        ExampleSpec(
          "lorikeet train acme/support --data tickets.jsonl --epochs 3",
          "your own data"),
      ])
  ) { session in
    try session.arguments.exclude("resume", "fresh")
    let recipes = try session.recipes()
    let workspace = try session.workspace()
    let fresh = session.arguments.flag("fresh")
    Interrupt.catchSignals(saying: true)
    defer { Interrupt.release() }
    for recipe in recipes {
      let view = TrainingView(recipe.name, session.console)
      let outcome = try view.watch {
        try workspace.train(
          recipe, fresh: fresh, shouldStop: { Interrupt.isRequested }, progress: view.tell)
      }
      view.tell(outcome)
      if case .interrupted = outcome { return .interrupted }
      if Interrupt.isRequested { return .interrupted }
    }
    return .done
  }
}

extension Tool {
  /// The recipe's settings as options: one list for files and flags.
  static var recipeOptions: [OptionSpec] {
    let defaults = Recipe().json
    return Recipe.fields.compactMap { field in
      guard let flag = field.flag else { return nil }
      let value = field.key.split(separator: ".").reduce(defaults) { $0[String($1)] ?? .null }
      // What is on by itself needs a value to be switched off.
      let isFlag = field.isSwitch && value == .bool(false)
      var help = field.help
      if !isFlag, let standard = spelled(value) { help += " (default \(standard))" }
      return OptionSpec(
        flag, isFlag ? nil : placeholder(field), section: section(field), help: help)
    }
  }

  private static func spelled(_ value: JSONValue) -> String? {
    switch value {
    case .string(let text): text
    case .int(let number): String(number)
    case .double(let number): brief(number)
    case .bool(let flag): flag ? "true" : "false"
    default: nil
    }
  }

  private static func placeholder(_ field: RecipeField) -> String {
    switch field.flag {
    case "data", "eval": return "FILE"
    case "base": return "NAME"
    case "targets", "exclude": return "LAYERS"
    case "layers", "labels": return "LIST"
    case "shuffle": return "BOOL"
    default: break
    }
    if field.expected.hasPrefix("one of ") {
      return String(field.expected.dropFirst(7)).replacing("'", with: "").replacing(", ", with: "|")
    }
    if field.expected.hasPrefix("an integer") { return "N" }
    return field.expected.contains("number") ? "X" : "TEXT"
  }

  private static func section(_ field: RecipeField) -> String {
    switch field.flag {
    case "base", "method", "rank", "alpha", "targets", "layers", "exclude", "dropout", "init":
      return "Adapter"
    case "eval-every", "patience", "keep-best", "eval-tokens", "eval-limit": return "Evaluation"
    default: break
    }
    switch field.key.split(separator: ".").first {
    case "data", "system", "labels", "loss", "maxLength", "truncation": return "Data"
    case "optimizer", "schedule": return "Optimizer"
    default: return "Run"
    }
  }
}

extension Session {
  /// The recipes to train, all read and checked before the first begins.
  fileprivate func recipes() throws -> [Recipe] {
    let names = arguments.positionals
    let areRecipes = try names.map(isRecipe)
    if names.count > 1, let odd = zip(names, areRecipes).first(where: { !$1 }) {
      throw arguments.misuse("'\(odd.0)' is no recipe folder; several adapters take recipes")
    }
    return try zip(names, areRecipes).map { name, isRecipe in
      var recipe = isRecipe ? try Recipe.load(path: name) : Recipe()
      if !isRecipe { recipe.name = name }
      do throws(TrainingError) { try recipe.apply(flags: recipeFlags()) } catch {
        throw arguments.misuse(error.message)
      }
      do throws(TrainingError) { try recipe.check() } catch {
        if isRecipe { throw error }
        throw arguments.misuse(error.message)
      }
      return recipe
    }
  }

  /// Whether `name` is a recipe rather than the name of an adapter to be.
  private func isRecipe(_ name: String) throws -> Bool {
    let manager = FileManager.default
    if manager.fileExists(atPath: name + "/recipe.json") { return true }
    if name.hasSuffix(".json"), manager.fileExists(atPath: name) { return true }
    if arguments.flag("data") { return false }
    let others = (try? manager.contentsOfDirectory(atPath: "Adapters")) ?? []
    let last = (name as NSString).lastPathComponent
    let near = nearestNames(to: last, among: others, limit: 1).first
    throw arguments.misuse(
      "there is no recipe '\(name)' (a folder with recipe.json in it)"
        + (near.map { "; did you mean 'Adapters/\($0)'?" }
          ?? "; to train without one: lorikeet train NAME --data FILE"))
  }

  /// The recipe's flags as given; files are meant from the working directory, not from the recipe's folder.
  private func recipeFlags() -> [(name: String, value: String)] {
    Recipe.fields.compactMap { field in
      guard let flag = field.flag, let value = arguments.string(flag) else { return nil }
      let isFile = flag == "data" || flag == "eval"
      return (flag, isFile ? URL(fileURLWithPath: value).path : value)
    }
  }
}
