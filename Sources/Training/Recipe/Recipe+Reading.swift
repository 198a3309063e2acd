import Foundation
public import JSON
import Tensors

extension Recipe {
  /// The largest recipe that is read: 1 MiB.
  private static let maximumSize = 1 << 20

  /// Reads the recipe in the folder at `path`, or the recipe file at `path` itself.
  /// - Throws: `TrainingError` that names the file, the key and what it takes.
  public static func load(path: String) throws(TrainingError) -> Recipe {
    var isFolder = false
    var url = URL(fileURLWithPath: path)
    if let values = try? url.resourceValues(forKeys: [.isDirectoryKey]) {
      isFolder = values.isDirectory ?? false
    }
    if isFolder { url.appendPathComponent("recipe.json") }
    let file = isFolder ? (path.hasSuffix("/") ? path : path + "/") + "recipe.json" : path
    let bytes: [UInt8]
    do { bytes = try RegularFile.bytes(path: file, limit: maximumSize) } catch {
      throw TrainingError(
        .cannotRead,
        error.code == .tooLarge
          ? "'\(file)' is larger than \(maximumSize >> 20) MiB"
          : "cannot read the recipe: \(error.message); a recipe is a folder with recipe.json in it")
    }
    do throws(TrainingError) {
      var recipe = try Recipe(parsing: bytes)
      let folder = url.standardizedFileURL.deletingLastPathComponent()
      recipe.folder = folder.path
      if recipe.name.isEmpty {
        guard isName(folder.lastPathComponent) else {
          throw TrainingError(
            .badRecipe, "the recipe has no 'name', and its folder's name cannot be one")
        }
        recipe.name = folder.lastPathComponent
      }
      return recipe
    } catch {
      throw TrainingError(error.code, "'\(file)': \(error.message)")
    }
  }

  /// Reads a recipe's JSON text. What it leaves out has its default.
  public init(parsing text: some Sequence<UInt8>) throws(TrainingError) {
    let value: JSONValue
    do { value = try JSONValue(parsing: text) } catch {
      throw TrainingError(.badRecipe, error.message)
    }
    try self.init(json: value)
  }

  /// Reads the recipe that a run has recorded. One that tells no precision is of a time when there was only f32.
  public init(recorded text: String) throws(TrainingError) {
    try self.init(parsing: text.utf8)
    precision = precision ?? .f32
  }

  /// Reads a recipe from JSON.
  public init(json: JSONValue) throws(TrainingError) {
    self.init()
    guard let root = json.objectValue else {
      throw TrainingError(.badRecipe, "a recipe should be an object, found \(json.kind)")
    }
    let sections = Set(Recipe.fields.compactMap(\.path.section))
    var settings: [(key: String, value: JSONValue)] = []
    for member in root.members {
      guard sections.contains(member.key) else {
        settings.append((member.key, member.value))
        continue
      }
      guard let inner = member.value.objectValue else {
        throw TrainingError(
          .badRecipe, "'\(member.key)' should be an object, found \(member.value.kind)")
      }
      settings += inner.members.map { ("\(member.key).\($0.key)", $0.value) }
    }
    let byKey = Dictionary(uniqueKeysWithValues: Recipe.fields.map { ($0.key, $0) })
    for (key, value) in settings {
      guard let field = byKey[key] else { throw Recipe.unknown(key) }
      try set(field, to: value, name: "'\(key)'")
    }
    try Recipe.refuseBoth(settings.filter { !$0.value.isNull }.map(\.key)) { "'\($0)'" }
  }

  /// Sets values by flags, as a command line has them: `("lr", "1e-4")`.
  /// - Throws: `TrainingError` for a flag that is not known, a value that it does not take, and two flags that
  ///   contradict each other.
  public mutating func apply(
    flags: [(name: String, value: String)]
  ) throws(TrainingError) {
    var keys: [String] = []
    for (name, value) in flags {
      guard let field = Recipe.fields.first(where: { $0.flag == name }) else {
        let near = nearest(to: name, in: Recipe.fields.compactMap(\.flag))
        throw TrainingError(
          .badRecipe,
          "unknown flag '--\(name)'" + (near.map { "; did you mean '--\($0)'?" } ?? ""))
      }
      keys.append(field.key)
      try set(field, to: field.parse(value), name: "'--\(name)'", text: value)
    }
    try Recipe.refuseBoth(keys) { key in
      "'--\(Recipe.fields.first { $0.key == key }?.flag ?? key)'"
    }
  }

  private mutating func set(
    _ field: RecipeField, to value: JSONValue, name: String, text: String? = nil
  ) throws(TrainingError) {
    guard !field.read(&self, value) else { return }
    throw TrainingError(
      .badRecipe,
      "\(name) should be \(field.expected), found \(text.map { "'\($0)'" } ?? Recipe.shown(value))")
  }

  /// A value for messages: numbers and short words themselves, else their kind.
  private static func shown(_ value: JSONValue) -> String {
    switch value {
    case .int, .double, .bool: value.text()
    case .string(let text) where text.utf8.count <= 40: "the string \(value.text())"
    default: value.kind
    }
  }

  private static func unknown(_ key: String) -> TrainingError {
    let name = key.split(separator: ".").last.map(String.init) ?? key
    // A right name in the wrong place is nearer than any misspelling.
    let near =
      fields.first { $0.path.name == name || $0.flag == name }
      ?? nearest(to: name, in: fields.map(\.path.name)).flatMap { near in
        fields.first { $0.path.name == near }
      }
    if let near {
      return TrainingError(.badRecipe, "unknown key '\(key)'; did you mean '\(near.key)'?")
    }
    let section = key.contains(".") ? key.prefix { $0 != "." } + "." : ""
    let known = fields.map(\.key).filter {
      section.isEmpty ? !$0.contains(".") : $0.hasPrefix(section)
    }
    return TrainingError(.badRecipe, "unknown key '\(key)'; there are \(quoted(known))")
  }

  private static func refuseBoth(
    _ keys: [String], name: (String) -> String
  ) throws(TrainingError) {
    for (one, other) in exclusive where keys.contains(one) && keys.contains(other) {
      throw TrainingError(.badRecipe, "give \(name(one)) or \(name(other)), not both")
    }
  }
}
