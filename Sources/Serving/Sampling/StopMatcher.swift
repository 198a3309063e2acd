/// Finds stop strings in streamed text, and holds back what may turn out to be the start of one.
///
/// A pure struct that is fed pieces; it works on UTF-8, so a stop string split over pieces at any byte is found.
struct StopMatcher {
  private let stops: [[UInt8]]
  private var held: [UInt8] = []
  /// Whether a stop string has come.
  private(set) var hasStopped = false

  init(_ stops: [String]) { self.stops = stops.map { Array($0.utf8) }.filter { !$0.isEmpty } }

  /// Takes `piece`; returns the text that is certainly before any stop string.
  mutating func feed(_ piece: String) -> String {
    guard !hasStopped else { return "" }
    guard !stops.isEmpty else { return piece }
    held += Array(piece.utf8)
    if let end = stops.compactMap({ firstIndex(of: $0, in: held) }).min() {
      hasStopped = true
      defer { held = [] }
      return String(decoding: held[..<end], as: UTF8.self)
    }
    let keep = stops.map(longestStart).max() ?? 0
    var end = held.count - keep
    while end > 0, end < held.count, held[end] & 0xC0 == 0x80 { end -= 1 }  // whole characters only
    defer { held.removeFirst(end) }
    return String(decoding: held[..<end], as: UTF8.self)
  }

  /// The text still held back, once no more comes.
  mutating func finish() -> String {
    defer { held = [] }
    return hasStopped ? "" : String(decoding: held, as: UTF8.self)
  }

  private func firstIndex(of stop: [UInt8], in text: [UInt8]) -> Int? {
    guard text.count >= stop.count else { return nil }
    return (0...text.count - stop.count).first { text[$0..<$0 + stop.count].elementsEqual(stop) }
  }

  /// How many bytes at the end of `held` are the beginning of `stop`.
  private func longestStart(of stop: [UInt8]) -> Int {
    let most = min(stop.count - 1, held.count)
    return (0...most).last { held.suffix($0).elementsEqual(stop.prefix($0)) } ?? 0
  }
}
