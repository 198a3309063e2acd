import Autograd
import Checkpoints
import Digests
import Foundation
import Lorikeet
import Models
import Registry
import Tensors
import Testing
import Toys

/// Packed bases that are written once and mapped ever after.
@Suite("Packed bases") final class PackedBaseTests {
  private let folder: URL
  private let pool = WorkerPool(threads: 2)
  private var notes: [String] = []

  init() throws {
    folder = FileManager.default.temporaryDirectory.appendingPathComponent(
      "lorikeet-packed-\(UUID().uuidString)")
    try ToyBase.write(to: folder.appendingPathComponent("toy"))
  }

  deinit {
    pool.shutDown()
    try? FileManager.default.removeItem(at: folder)
  }

  /// A workspace that has nothing in memory yet, in the home that all share.
  private func workspace() throws -> Workspace {
    let workspace = try Workspace(home: folder.appendingPathComponent("home").path, pool: pool)
    workspace.note = { self.notes.append($0) }
    return workspace
  }

  private func added() throws -> (Workspace, BaseRecord) {
    let workspace = try workspace()
    return (
      workspace,
      try workspace.addBase(path: folder.appendingPathComponent("toy").path, name: ToyBase.name)
    )
  }

  private func logits(_ weights: WeightFormat) throws -> [UInt32] {
    try packedLogits(workspace().openBase(weights: weights).model, [5, 17, 3, 99, 42], pool)
  }

  @Test("what a killed packing left goes with the others, what is being written stays")
  func leftovers() throws {
    let (workspace, record) = try added()
    let file = try workspace.packBase(record, weights: .bf16).file
    let part = URL(fileURLWithPath: file.path + ".part")
    try Data("half of it".utf8).write(to: part)
    #expect(try workspace.removePacked(record, weights: .int8).isEmpty)
    #expect(FileManager.default.fileExists(atPath: part.path))
    #expect(try workspace.removePacked(record, weights: .bf16) == [file])
    #expect(!FileManager.default.fileExists(atPath: part.path))
    let writer = try NewFile(place: file.path)
    #expect(try workspace.removePacked(record).isEmpty)
    #expect(FileManager.default.fileExists(atPath: part.path))
    _ = consume writer
  }

  @Test("answers have the same bits", arguments: [WeightFormat.bf16, .int8, .native])
  func sameBits(weights: WeightFormat) throws {
    let (workspace, record) = try added()
    let before = try logits(weights)
    #expect(workspace.packedBases(of: record).isEmpty)
    let file = try workspace.packBase(record, weights: weights).file
    #expect(workspace.packedBases(of: record) == [file] && file.weights == weights)
    let base = try self.workspace().openBase(weights: weights)
    #expect(try isMapped(file.path))
    #expect(try packedLogits(base.model, [5, 17, 3, 99, 42], pool) == before)
    // It may be taken away, or written again, under whoever has it mapped.
    _ = try workspace.packBase(record, weights: weights)
    #expect(try workspace.removePacked(record) == [file])
    #expect(try packedLogits(base.model, [5, 17, 3, 99, 42], pool) == before)
    #expect(try logits(weights) == before)
    #expect(notes.isEmpty)
    let left = try FileManager.default.contentsOfDirectory(atPath: folder.path + "/home/packed")
    #expect(left.isEmpty)
  }

  @Test("floats are not packed")
  func floats() throws {
    let (workspace, record) = try added()
    let error = #expect(throws: WorkspaceError.self) {
      try workspace.packBase(record, weights: .f32)
    }
    #expect(error?.message.contains("give bf16, int8 or native") == true)
  }

  @Test("one that is cut short or changed anywhere is refused, and told what to do")
  func damaged() throws {
    let (workspace, record) = try added()
    let before = try logits(.int8)
    let file = try workspace.packBase(record, weights: .int8).file
    let sound = try RegularFile.bytes(path: file.path)
    var damages: [[UInt8]] = [0, 1, 7, 8, 15, 16, 17, 100, 4095, 4096, 4097, sound.count / 2]
      .map { Array(sound.prefix($0)) }
    damages += [Array(sound.dropLast()), sound + [0], sound + sound]
    for place in [0, 8, 9, 12, 14, 15, 16, 20, 4096, sound.count / 2, sound.count - 1] {
      var bytes = sound
      bytes[place] ^= 0x40
      damages.append(bytes)
    }
    // The header's length as large as can be, and one that leaves the matrices within a page.
    for length: [UInt8] in [.init(repeating: 0xFF, count: 8), [1] + sound[9..<16]] {
      damages.append(sound[..<8] + length + sound[16...])
    }
    for (number, bytes) in damages.enumerated() {
      // A new file: one that is mapped must not be cut short.
      try FileManager.default.removeItem(atPath: file.path)
      try Data(bytes).write(to: URL(fileURLWithPath: file.path))
      let error = #expect(throws: FormatError.self, "damage \(number)") { try logits(.int8) }
      #expect(
        error?.message.contains("'\(file.path)'") == true, "\(number): \(String(describing: error))"
      )
      #expect(error?.message.contains("'lorikeet base pack' writes it anew") == true)
    }
    #expect(notes.isEmpty)
    _ = try workspace.packBase(record, weights: .int8)
    #expect(try logits(.int8) == before)
  }

  @Test("a matrix that is not what was written is named")
  func named() throws {
    let (workspace, record) = try added()
    let file = try workspace.packBase(record, weights: .bf16).file
    var bytes = try RegularFile.bytes(path: file.path)
    bytes[bytes.count - 5] ^= 1
    try FileManager.default.removeItem(atPath: file.path)
    try Data(bytes).write(to: URL(fileURLWithPath: file.path))
    let error = #expect(throws: FormatError.self) { try logits(.bf16) }
    #expect(
      error?.message.contains(
        "the matrix 'model.layers.1.self_attn.v_proj.weight' has another SHA-256") == true)
  }

  @Test("one of another checkpoint, format or version is left aside, and that is told")
  func others() throws {
    let (workspace, record) = try added()
    let before = try logits(.bf16)
    let file = try workspace.packBase(record, weights: .bf16).file
    let sound = try RegularFile.bytes(path: file.path)
    let version = "\"version\":\(FrozenWeight.packingVersion),"
    for (from, to, told) in [
      (version, "\"version\":1,", "by another version of Lorikeet"),
      (record.fingerprint.hex, String(repeating: "0", count: 64), "of another checkpoint"),
      ("\"weights\":\"bf16\"", "\"weights\":\"int8\"", "for other --weights"),
    ] {
      var bytes = sound
      let place = try #require(bytes.firstRange(of: Array(from.utf8)))
      bytes.replaceSubrange(place, with: Array(to.utf8))
      try FileManager.default.removeItem(atPath: file.path)
      try Data(bytes).write(to: URL(fileURLWithPath: file.path))
      notes = []
      #expect(try logits(.bf16) == before)
      #expect(notes.count == 1)
      #expect(notes.first?.contains("left aside: the packed base '\(file.path)'") == true)
      #expect(notes.first?.contains("it was packed \(told); 'lorikeet base pack'") == true)
    }
  }
}

/// Whether this process maps the file at `path` now.
func isMapped(_ path: String) throws -> Bool {
  let maps = try FileHandle(forReadingFrom: URL(fileURLWithPath: "/proc/self/maps")).readToEnd()
  return String(decoding: maps ?? Data(), as: UTF8.self).contains(path)
}

/// The bits of the logits after `tokens`.
func packedLogits(_ model: Model, _ tokens: [Int32], _ pool: WorkerPool) throws -> [UInt32] {
  var batch = RaggedBatch()
  batch.append(tokens)
  let tape = Tape(pool: pool, recycler: BufferRecycler(), recording: false)
  let hidden = try model.hiddenStates(batch, on: tape)
  return model.logits(hidden, on: tape).value.values.map(\.bitPattern)
}
