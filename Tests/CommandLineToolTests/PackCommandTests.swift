import CommandLineTool
import Foundation
import JSON
import Tensors
import Testing
import Toys

@Suite("Packing on the command line") struct PackCommandTests {
  private func home() throws -> ScratchHome {
    let home = try ScratchHome(versions: 0)
    let toy = home.folder.appendingPathComponent("toy")
    try ToyBase.write(to: toy)
    #expect(home.run("base", "add", toy.path).code == .done)
    return home
  }

  @Test("base pack writes the file, list and show tell of it, --remove takes it away")
  func pack() throws {
    let home = try home()
    #expect(home.run("base", "show").output.contains("packed        -\n"))
    let packed = try JSONValue(
      parsing: home.run("base", "pack", "toy", "--weights", "int8", "--json").output)
    let path = try #require(packed["path"]?.stringValue)
    let size = try #require(FileManager.default.attributesOfItem(atPath: path)[.size] as? Int)
    #expect(packed["base"] == "toy" && packed["weights"] == "int8" && packed["size"] == .int(size))
    for key in ["seconds", "packingSeconds", "mappingSeconds"] {
      #expect(try #require(packed[key]?.doubleValue) > 0)
    }
    let told = home.run("base", "pack", "--weights", "bf16")
    #expect(told.code == .done && told.output.contains("base 'toy' is packed as bf16: "))
    #expect(home.run("base", "list").output.contains("bf16, int8"))
    #expect(home.run("base", "show").output.contains("packed        bf16, int8\n"))
    for words in [["base", "list"], ["base", "show"]] {
      let json = try JSONValue(parsing: home.run(words[0], words[1], "--json").output)
      let files = (json.arrayValue?.first ?? json)["packed"]?.arrayValue
      #expect(files?.compactMap { $0["weights"] } == ["bf16", "int8"])
      #expect(files?.last == ["weights": "int8", "path": .string(path), "size": .int(size)])
    }

    let removed = home.run("base", "pack", "--remove", "--weights", "int8")
    #expect(removed.output.contains("'\(path)'") && !FileManager.default.fileExists(atPath: path))
    #expect(home.run("base", "list").output.contains(" bf16 "))
    #expect(home.run("base", "rm", "toy").code == .done)
    let left = try FileManager.default.contentsOfDirectory(
      atPath: home.folder.appendingPathComponent("packed").path)
    #expect(left.isEmpty)
  }

  @Test("what cannot be is one clear line")
  func refusals() throws {
    let home = try home()
    let floats = home.run("base", "pack", "--weights", "f32")
    #expect(floats.code != .done && floats.error.contains("give bf16, int8 or native"))
    #expect(home.run("base", "pack", "none").error.contains("no base 'none'"))
    #expect(home.run("base", "pack", "--remove").error == "base 'toy' has no such packed file\n")
    // A file where the folder should be: not even root may write below it.
    try Data().write(to: home.folder.appendingPathComponent("packed"))
    let run = home.run("base", "pack", "--weights", "int8")
    #expect(run.code != .done && run.output.isEmpty)
    #expect(run.error.contains("cannot make the folder"), "\(run.error)")
  }

  @Test("a file of another version is left aside with a note, a damaged one is an error")
  func notes() throws {
    let home = try home()
    let packed = try JSONValue(
      parsing: home.run("base", "pack", "--weights", "int8", "--json").output)
    let path = try #require(packed["path"]?.stringValue)
    func answer() -> Recording {
      home.run("generate", "ab", "--max-tokens", "2", "--weights", "int8")
    }
    let sound = answer()
    #expect(sound.code == .done && !sound.error.contains("note"), "\(sound.error)")
    let version = "\"version\":\(FrozenWeight.packingVersion)"
    for (from, to) in [(version, "\"version\":1"), ("LORIPACK", "LORIPICK")] {
      let bytes = try Data(contentsOf: URL(fileURLWithPath: path))
      var changed = bytes
      let place = try #require(changed.firstRange(of: Data(from.utf8)))
      changed.replaceSubrange(place, with: Data(to.utf8))
      try FileManager.default.removeItem(atPath: path)
      try changed.write(to: URL(fileURLWithPath: path))
      let run = answer()
      if to.hasPrefix("LORI") {
        #expect(run.code == .data && run.output.isEmpty)
        #expect(run.error.contains("does not begin with 'LORIPACK'"), "\(run.error)")
      } else {
        #expect(run.code == .done && run.output == sound.output)
        #expect(run.error.hasPrefix("note: left aside: the packed base"), "\(run.error)")
      }
    }
  }
}
