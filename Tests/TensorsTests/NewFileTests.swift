import Foundation
import Tensors
import Testing

@Suite("Files written anew") struct NewFileTests {
  private let folder: URL

  init() throws {
    folder = FileManager.default.temporaryDirectory.appendingPathComponent(
      "lorikeet-new-\(UUID().uuidString)")
    try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
  }

  private var names: [String] {
    get throws { try FileManager.default.contentsOfDirectory(atPath: folder.path).sorted() }
  }

  @Test("one appears whole, in place of the one before; one that is given up leaves nothing")
  func whole() throws {
    defer { try? FileManager.default.removeItem(at: folder) }
    let place = folder.path + "/file"
    for text in ["first, and longer", "second"] {
      let file = try NewFile(place: place)
      try file.write(Bytes(Array(text.utf8.dropFirst(2))), at: 2)
      try file.write(Bytes(Array(text.utf8.prefix(2))), at: 0)
      #expect(try names == (text == "second" ? ["file", "file.part"] : ["file.part"]))
      try file.moveIntoPlace()
      #expect(try RegularFile.bytes(path: place) == Array(text.utf8))
    }
    do {
      let file = try NewFile(place: place)
      try file.write(Bytes(Array("third".utf8)), at: 0)
    }
    #expect(try names == ["file"] && RegularFile.bytes(path: place) == Array("second".utf8))
  }

  @Test("two writers for a place are one too many; what a killed one left is taken over")
  func one() throws {
    defer { try? FileManager.default.removeItem(at: folder) }
    let place = folder.path + "/file"
    try Data("half of one that was killed".utf8).write(
      to: folder.appendingPathComponent("file.part"))
    let file = try NewFile(place: place)
    let error = #expect(throws: TensorError.self) { _ = try NewFile(place: place) }
    #expect(error?.message == "another process is writing '\(place)'; wait for it")
    try file.write(Bytes([UInt8(7)]), at: 0)
    try file.moveIntoPlace()
    #expect(try names == ["file"] && RegularFile.bytes(path: place) == [7])
  }

  @Test("a place that cannot be written is named")
  func unwritable() throws {
    defer { try? FileManager.default.removeItem(at: folder) }
    let place = folder.path + "/none/file"
    let error = #expect(throws: TensorError.self) { _ = try NewFile(place: place) }
    #expect(error?.message == "cannot write '\(place).part': No such file or directory")
    #expect(error?.code == .cannotWrite)
  }
}
