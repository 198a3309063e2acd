import Tensors

/// Damages files; the same seed gives the same bytes everywhere.
struct Mutator {
  var random: SplitMix64
  /// What pieces are borrowed from.
  let samples: [Sample]

  /// `sample`'s bytes with one to four faults.
  mutating func damaged(_ sample: Sample) -> [UInt8] {
    var bytes = sample.bytes
    for _ in 0...below(4) {
      switch sample.syntax {
      case .safetensors where below(4) < 3: damageHeader(&bytes)
      case .json where below(4) < 3: damageJSON(&bytes)
      case .text(let pieces) where below(4) < 3: damageText(&bytes, pieces)
      default: damageBytes(&bytes)
      }
    }
    return bytes
  }

  /// A number in `0..<bound`; 0 where `bound` is not positive.
  mutating func below(_ bound: Int) -> Int {
    bound > 1 ? Int.random(in: 0..<bound, using: &random) : 0
  }

  /// A place in `count` bytes, nearer to the front the more often: heads are what parsers read.
  mutating func place(in count: Int) -> Int { below(min(count, 16 << below(16))) }

  /// A stretch of `count` bytes, mostly short.
  mutating func range(in count: Int) -> Range<Int> {
    let start = place(in: count)
    return start..<min(count, start + 1 + below(1 << below(10)))
  }

  mutating func pick<Element>(_ choices: [Element]) -> Element { choices[below(choices.count)] }
}

extension Mutator {
  mutating func damageBytes(_ bytes: inout [UInt8]) {
    guard !bytes.isEmpty else {
      bytes = [UInt8(below(256))]
      return
    }
    let place = place(in: bytes.count)
    switch below(12) {
    case 0, 1: bytes[place] ^= 1 << below(8)
    case 2: bytes[place] = pick([0, 1, 0x7F, 0x80, 0xFF, UInt8(below(256))])
    case 3, 4, 5: writeNumber(&bytes, at: place)
    case 6: bytes.removeSubrange(range(in: bytes.count))
    case 7: bytes.removeLast(below(bytes.count))
    case 8: bytes += repeatElement(pick([0, 0xFF, 0x20]), count: 1 + below(300))
    case 9: bytes.insert(contentsOf: Array(bytes[range(in: bytes.count)]), at: place)
    case 10:
      let piece = Array(bytes[range(in: bytes.count)])
      bytes.replaceSubrange(place..<min(bytes.count, place + piece.count), with: piece)
    default:
      let other = pick(samples).bytes
      guard !other.isEmpty else { return }
      bytes.replaceSubrange(range(in: bytes.count), with: Array(other[range(in: other.count)]))
    }
  }

  /// Writes a number at the edge of its range, little-endian, mostly where such a number would stand.
  private mutating func writeNumber(_ bytes: inout [UInt8], at place: Int) {
    let size = pick([1, 2, 4, 8])
    let start = below(3) == 0 ? place : place / size * size
    let edges: [UInt64] = [
      0, 1, 2, 0x7F, 0xFF, 0x7FFF, 0xFFFF, 0x7FFF_FFFF, 0x8000_0000, 0xFFFF_FFFF, 1 << 40,
      UInt64(Int64.max), 1 << 63, .max, .max - 7, UInt64(bytes.count), UInt64(bytes.count) &+ 1,
    ]
    let number = pick(edges) &+ UInt64(below(3)) &- 1
    for index in 0..<size where start + index < bytes.count {
      bytes[start + index] = UInt8(truncatingIfNeeded: number >> UInt64(8 * index))
    }
  }
}
