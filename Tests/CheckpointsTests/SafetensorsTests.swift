import Checkpoints
import Expect
import Foundation
import Tensors
import Testing

@Suite("Safetensors")
struct SafetensorsTests {
  /// A file with `header` and `data` zero bytes behind it.
  private func file(_ header: String, data: Int) -> Bytes {
    let text = Array(header.utf8)
    let length = UInt64(text.count)
    return Bytes(
      (0..<8).map { UInt8(truncatingIfNeeded: length >> (8 * UInt64($0))) } + text
        + [UInt8](repeating: 0, count: data))
  }

  @Test("what the library wrote is read, and written again byte by byte")
  func roundTrip() throws {
    let bytes = [UInt8](try Fixtures.data("checkpoints/written.safetensors"))
    let file = try SafetensorsFile(parsing: Bytes(bytes))
    #expect(file.metadata == ["format": "pt"])
    #expect(file.tensors.count == 9)
    #expect(file["a.weight"]?.dtype == .f16)
    #expect(file["scalar"]?.shape == [])
    #expect(file["scalar"]?.matrix(rows: 1, columns: 1).values == [2.5])
    #expect(file["empty"]?.shape == [0, 4])
    #expect(SafetensorsFile.write(file.tensors.reversed(), metadata: file.metadata) == bytes)
  }

  @Test(
    "the library's own files are written again byte by byte",
    arguments: ["smollm2", "smollm2-bf16", "smollm2-f16", "qwen3"])
  func models(name: String) throws {
    let bytes = [UInt8](try Fixtures.data("models/\(name)/model.safetensors"))
    let file = try SafetensorsFile(parsing: Bytes(bytes))
    #expect(SafetensorsFile.write(file.tensors, metadata: file.metadata) == bytes)
  }

  @Test(
    "a bad header is refused with its reason",
    arguments: [
      (#"{"a":{"dtype":"F32","shape":[1],"data_offsets":[0,4]}}"#, 8, "4 bytes follow"),
      (#"{"a":{"dtype":"F32","shape":[1],"data_offsets":[0,4]}}"#, 3, "cut short"),
      (#"{"a":{"dtype":"F32","shape":[1],"data_offsets":[4,8]}}"#, 8, "begins at 4"),
      (
        #"{"a":{"dtype":"F32","shape":[2],"data_offsets":[0,8]},"b":{"dtype":"F32","shape":[1],"data_offsets":[4,8]}}"#,
        8, "begins at 4 where the one before ends at 8"
      ),
      (#"{"a":{"dtype":"F32","shape":[3],"data_offsets":[0,8]}}"#, 8, "takes 12"),
      (#"{"a":{"dtype":"I64","shape":[1],"data_offsets":[0,8]}}"#, 8, "has dtype I64"),
      (#"{"a":{"dtype":"Q8_0","shape":[32],"data_offsets":[0,34]}}"#, 34, "has dtype Q8_0"),
      (#"{"a":{"dtype":"F32","shape":[-1],"data_offsets":[0,4]}}"#, 4, "bad shape"),
      (
        #"{"a":{"dtype":"F32","shape":[4611686018427387904,4611686018427387904],"data_offsets":[0,4]}}"#,
        4, "too large"
      ),
      (#"{"a":{"dtype":"F32","shape":[1],"data_offsets":[4,0]}}"#, 4, "bad data_offsets"),
      (#"{"a":{"dtype":"F32","shape":[1],"data_offsets":[0,4],"x":1}}"#, 4, "unknown field 'x'"),
      (
        #"{"a":{"dtype":"F32","shape":[0],"data_offsets":[0,0]},"a":{"dtype":"F32","shape":[0],"data_offsets":[0,0]}}"#,
        0, "stands twice"
      ),
      (#"{"__metadata__":{"a":1}}"#, 0, "not a string"), (#" {}"#, 0, "does not begin with"),
      (#"{"a":{"dtype":"F32","shape":[1]}}"#, 4, "bad data_offsets"),
      (#"{"a":"#, 0, "bad safetensors header"),
    ])
  func refused(header: String, data: Int, reason: String) {
    let error = #expect(throws: FormatError.self) {
      try SafetensorsFile(parsing: file(header, data: data))
    }
    #expect(error?.message.contains(reason) == true, "\(error?.message ?? "")")
  }

  @Test("a length prefix past the end, beyond the limit or beyond 63 bits is refused")
  func lengths() {
    for length in [UInt64(100), 100_000_001, .max, 1 << 63] {
      let bytes =
        (0..<8).map { UInt8(truncatingIfNeeded: length >> (8 * UInt64($0))) } + [0x7B, 0x7D]
      #expect(throws: FormatError.self) { try SafetensorsFile(parsing: Bytes(bytes)) }
    }
    #expect(throws: FormatError.self) { try SafetensorsFile(parsing: Bytes([1, 2, 3] as [UInt8])) }
  }

  @Test("every truncation is refused")
  func truncated() throws {
    let bytes = [UInt8](try Fixtures.data("checkpoints/written.safetensors"))
    for end in 0..<bytes.count {
      #expect(throws: FormatError.self) {
        try SafetensorsFile(parsing: Bytes([UInt8](bytes[..<end])))
      }
    }
  }

  @Test("flipped bytes are refused or read, never a crash")
  func flipped() throws {
    let bytes = [UInt8](try Fixtures.data("checkpoints/written.safetensors"))
    var generator = SplitMix64(seed: 11)
    var read = 0
    for _ in 0..<20_000 {
      var copy = bytes
      for _ in 0...Int(generator.next() % 3) {
        copy[Int(generator.next() % UInt64(copy.count))] = UInt8(
          truncatingIfNeeded: generator.next())
      }
      if (try? SafetensorsFile(parsing: Bytes(copy))) != nil { read += 1 }
    }
    #expect(read > 0)
  }

  @Test("a file that is not there is told by its path")
  func absent() {
    let error = #expect(throws: FormatError.self) {
      try SafetensorsFile.open(path: "/nowhere/model.safetensors")
    }
    #expect(error?.code == .cannotOpen)
    #expect(error?.message.contains("/nowhere/model.safetensors") == true)
  }
}
