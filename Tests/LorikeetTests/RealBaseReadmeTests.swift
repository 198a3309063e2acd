import Expect
import Foundation
import Lorikeet
import Testing

/// The README's example of the library, compiled and run as it stands there.
@Suite("RealBase: the README's example", .serialized)
struct RealBaseReadmeTests {
  private func example(home: String, data: String) throws -> [Answer] {
    // README begins
    let workspace = try Workspace(home: home)
    var recipe = Recipe()
    recipe.name = "acme/intent"
    recipe.train = data
    recipe.extent = .steps(4)
    _ = try workspace.train(recipe)
    _ = try workspace.registry.setAlias("production", to: "acme/intent@1")
    let answers = try workspace.generate("Where is your shop?", with: ["acme/intent", "base"])
    for answer in answers { print(answer.reference, answer.result.text) }
    // README ends
    return answers
  }

  @Test("trains, promotes and answers side by side")
  func runs() throws {
    let home = FileManager.default.temporaryDirectory
      .appendingPathComponent("lorikeet-readme-\(UUID().uuidString)")
    defer { try? FileManager.default.removeItem(at: home) }
    let workspace = try Workspace(home: home.path)
    _ = try workspace.addBase(path: RealBase.path, name: "smollm2")
    let answers = try example(
      home: home.path, data: Fixtures.url("realbase/training-rows.jsonl").path)
    #expect(answers.map(\.reference) == ["acme/intent@1", "base"])
    #expect(answers[0].result.text != answers[1].result.text)
  }

  @Test("is the same text in the README")
  func isInTheReadme() throws {
    let source = try String(contentsOfFile: #filePath, encoding: .utf8)
    let readme = try String(
      contentsOf: Fixtures.folder.appendingPathComponent("../../README.md"), encoding: .utf8)
    let lines = source.components(separatedBy: "\n")
    let begin = try #require(lines.firstIndex { $0.hasSuffix("// README begins") })
    let end = try #require(lines.firstIndex { $0.hasSuffix("// README ends") })
    let example = lines[(begin + 1)..<end].map { String($0.dropFirst(4)) }.joined(separator: "\n")
    #expect(!example.isEmpty && readme.contains(example))
  }
}
