import Checkpoints
import Expect
import Foundation
import Tensors
import Testing

@Suite("GGUF")
struct GGUFTests {
  private func file(_ name: String) throws -> [UInt8] {
    [UInt8](try Fixtures.data("checkpoints/\(name).gguf"))
  }

  @Test("every kind of metadata value is read")
  func values() throws {
    let file = try GGUFFile(parsing: Bytes(try file("types")))
    let metadata = file.metadata
    for (key, value) in [
      ("u8", 200), ("i8", -100), ("u16", 60_000), ("i16", -30_000), ("u32", 4_000_000_000),
      ("i32", -2_000_000_000), ("i64", Int.min),
    ] {
      #expect(metadata["t." + key]?.intValue == value, "\(key)")
    }
    guard case .large(.max) = metadata["t.u64"] else {
      Issue.record("t.u64 is \(String(describing: metadata["t.u64"]))")
      return
    }
    #expect(metadata["t.f32"]?.doubleValue == Double(Float(0.1)))
    #expect(metadata["t.f64"]?.doubleValue == 0.1)
    #expect(metadata["t.true"]?.boolValue == true)
    #expect(metadata["t.false"]?.boolValue == false)
    #expect(metadata["t.text"]?.stringValue == "grüße 🦜")
    #expect(try metadata["t.strings"]?.arrayValue?.strings() == ["a", "", "é"])
    #expect(try metadata["t.strings"]?.arrayValue?.string(at: 2) == "é")
    #expect(try metadata["t.strings"]?.arrayValue?.string(at: 3) == nil)
    #expect(try metadata["t.integers"]?.arrayValue?.integers() == [1, -2, 3])
    #expect(try metadata["t.floats"]?.arrayValue?.floats() == [0.5, -1.5])
    #expect(try metadata["t.flags"]?.arrayValue?.values().map(\.boolValue) == [true, false, true])
    let nested = try #require(try metadata["t.nested"]?.arrayValue?.values())
    #expect(try nested.map { try $0.arrayValue?.integers() } == [[1, 2], [3]])
    #expect(throws: FormatError.self) { try metadata["t.floats"]?.arrayValue?.integers() }
    #expect(throws: FormatError.self) { try metadata["t.floats"]?.arrayValue?.strings() }
  }

  @Test("tensors have row-major shapes and their own alignment")
  func tensors() throws {
    let file = try GGUFFile(parsing: Bytes(try file("types")))
    #expect(file.alignment == 64)
    #expect(file.tensors.map(\.name) == ["one", "two"])
    #expect(file.tensors[0].shape == [2, 3])
    #expect(file.tensors[0].matrix(rows: 2, columns: 3).values == [0, 1, 2, 3, 4, 5])
    #expect(file.tensors[1].dtype == .f16)
    #expect(file.tensors[1].matrix(rows: 1, columns: 4).values == [0, 1, 2, 3])
  }

  /// A file with one tensor made by hand.
  private func built(
    version: UInt32 = 3, dimensions: [UInt64] = [4], type: UInt32 = 0, offset: UInt64 = 0,
    data: Int = 16, tensors: UInt64 = 1, entries: UInt64 = 0, entry: [UInt8] = []
  ) -> Bytes {
    func little(_ value: UInt64, _ count: Int) -> [UInt8] {
      (0..<count).map { UInt8(truncatingIfNeeded: value >> (8 * UInt64($0))) }
    }
    var bytes = Array("GGUF".utf8) + little(UInt64(version), 4) + little(tensors, 8)
    bytes += little(entries, 8) + entry
    bytes += little(1, 8) + Array("t".utf8) + little(UInt64(dimensions.count), 4)
    for size in dimensions { bytes += little(size, 8) }
    bytes += little(UInt64(type), 4) + little(offset, 8)
    bytes += [UInt8](repeating: 0, count: (32 - bytes.count % 32) % 32 + data)
    return Bytes(bytes)
  }

  @Test("versions 2 and 3 are read")
  func versions() throws {
    for version in [UInt32(2), 3] {
      #expect(try GGUFFile(parsing: built(version: version)).tensors.count == 1)
    }
  }

  @Test("bad counts, shapes, types and offsets are refused with their reason")
  func refused() {
    let cases: [(Bytes, String)] = [
      (built(version: 1), "GGUF version 1"), (built(version: 0x0300_0000), "big-endian"),
      (built(type: 16), "stored as IQ2_XXS, which is not supported"),
      (built(type: 77), "type number 77"), (built(tensors: .max), "more than it can hold"),
      (built(entries: 1 << 40), "more than it can hold"),
      (built(dimensions: []), "0 dimensions"),
      (built(dimensions: [1, 1, 1, 1, 1]), "5 dimensions"),
      (built(dimensions: [0]), "bad shape"), (built(dimensions: [.max]), "bad shape"),
      (built(dimensions: [1 << 40, 1 << 40]), "cannot hold"),
      (built(dimensions: [31], type: 8), "cannot hold"), (built(dimensions: [5]), "cut short"),
      (built(offset: 32), "cut short"), (built(offset: 4), "off the alignment"),
      (built(offset: .max - 31), "past the end"),
      (built(offset: 1 << 62), "cut short"),
    ]
    for (bytes, reason) in cases {
      let error = #expect(throws: FormatError.self) { try GGUFFile(parsing: bytes) }
      #expect(error?.message.contains(reason) == true, "\(reason): \(error?.message ?? "")")
    }
  }

  @Test("tensors that overlap or stand twice are refused")
  func overlap() throws {
    var bytes = try file("types")
    let second = try #require(bytes.firstRange(of: Array("two".utf8))).lowerBound
    let offset = second + 3 + 4 + 8 + 4
    #expect(bytes[offset] == 64)
    bytes[offset] = 0
    let overlap = #expect(throws: FormatError.self) { try GGUFFile(parsing: Bytes(bytes)) }
    #expect(overlap?.message.contains("overlaps") == true)
    bytes[offset] = 64
    bytes.replaceSubrange(second..<second + 3, with: Array("one".utf8))
    let twice = #expect(throws: FormatError.self) { try GGUFFile(parsing: Bytes(bytes)) }
    #expect(twice?.message == "the tensor 'one' stands twice")
  }

  @Test("an array that says more than the file holds, or nests without end, is refused")
  func arrays() {
    let key: [UInt8] = [1, 0, 0, 0, 0, 0, 0, 0, 0x6B, 9, 0, 0, 0]
    let long = key + [4, 0, 0, 0] + [UInt8](repeating: 0xFF, count: 8)
    let deep = key + (0..<40).flatMap { _ in [9, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0] as [UInt8] }
    for entry in [long, deep] {
      #expect(throws: FormatError.self) { try GGUFFile(parsing: built(entries: 1, entry: entry)) }
    }
  }

  @Test("truncations are refused, at every byte of the small file", arguments: ["types", "llama2"])
  func truncated(name: String) throws {
    let bytes = try file(name)
    let whole = Bytes(bytes)
    let file = try GGUFFile(parsing: whole)
    let last = file.tensors.last?.bytes.count ?? 0
    let padding = (file.alignment - last % file.alignment) % file.alignment
    for end in stride(from: 0, to: bytes.count - padding, by: bytes.count < 1000 ? 1 : 13) {
      #expect(throws: FormatError.self) { try GGUFFile(parsing: whole[0..<end]) }
    }
  }

  @Test("flipped bytes are refused or read, never a crash")
  func flipped() throws {
    let bytes = try file("types")
    var generator = SplitMix64(seed: 12)
    var read = 0
    for _ in 0..<20_000 {
      var copy = bytes
      for _ in 0...Int(generator.next() % 3) {
        copy[Int(generator.next() % UInt64(copy.count))] = UInt8(
          truncatingIfNeeded: generator.next())
      }
      guard let file = try? GGUFFile(parsing: Bytes(copy)) else { continue }
      read += 1
      for value in file.metadata.values { _ = try? value.arrayValue?.values() }
    }
    #expect(read > 0)
  }

  @Test("a whole model with flipped bytes in its head is refused or opened, never a crash")
  func flippedModel() throws {
    let bytes = try file("llama2")
    let folder = FileManager.default.temporaryDirectory.appendingPathComponent(
      "lorikeet-flipped-\(UUID().uuidString)")
    try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
    defer { try? FileManager.default.removeItem(at: folder) }
    let path = folder.appendingPathComponent("model.gguf").path
    var generator = SplitMix64(seed: 13)
    for _ in 0..<1_500 {
      var copy = bytes
      copy[Int(generator.next() % 6_000)] = UInt8(truncatingIfNeeded: generator.next())
      try Data(copy).write(to: URL(fileURLWithPath: path))
      guard let checkpoint = try? Checkpoint.open(path: path) else { continue }
      _ = try? checkpoint.tokenizerSource
      for name in checkpoint.tensorNames where name.hasSuffix("k_proj.weight") {
        _ = try? checkpoint.matrix(name, rows: 32, columns: 32)
      }
    }
  }
}
