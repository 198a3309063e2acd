import Foundation
import JSON
import Lorikeet
import Tensors

/// Runs each benchmark several times and tells medians.
///
/// Every benchmark is one function that returns a figure; nothing passes or fails here.
final class Benchmark {
  let options: BenchmarkOptions
  let workspace: Workspace

  init(_ options: BenchmarkOptions) throws {
    self.options = options
    // A home of its own where no base is needed: nothing is made in the person's.
    let scratch = FileManager.default.temporaryDirectory
      .appendingPathComponent("lorikeet-bench-home-\(ProcessInfo.processInfo.processIdentifier)")
    workspace = try Workspace(home: options.needsBase ? nil : scratch.path)
    workspace.adapterCapacityBytes = 4 << 30  // 64 adapters at once
    if !options.needsBase { atExit { try? FileManager.default.removeItem(at: scratch) } }
  }

  /// One benchmark: a name as `Tests/Peers/compare.py` knows it, a unit, and what measures it once.
  struct Entry {
    let name: String
    let unit: String
    let measure: () throws -> Double
  }

  /// What benchmarks keep between their runs.
  var keptTrainer: Trainer?
  var keptAdapters: [Int: PinnedAdapter] = [:]
  let curveRecycler = BufferRecycler()
  private var leavings: [() -> Void] = []

  /// Has `body` called when all is measured.
  func atExit(_ body: @escaping () -> Void) { leavings.append(body) }

  func run() throws {
    defer { for body in leavings { body() } }
    let all = (options.needsBase ? entries() + curveEntries() : []) + scaleEntries()
    let named = all.filter { $0.name == options.only }
    let entries = named.isEmpty ? all.filter { $0.name.hasPrefix(options.only) } : named
    guard !entries.isEmpty else {
      throw BenchmarkOptions.UsageError(
        description: "no benchmark's name begins with '\(options.only)'; there are "
          + Set(all.map { String($0.name.prefix { $0 != "/" }) }).sorted().joined(separator: ", "))
    }
    if let file = options.plot {
      let folder = URL(fileURLWithPath: file).deletingLastPathComponent().path
      guard FileManager.default.isWritableFile(atPath: folder) else {
        throw BenchmarkOptions.UsageError(description: "--plot: no file can be made in '\(folder)'")
      }
    }
    var medians: [String: Double] = [:]
    for entry in entries {
      _ = try entry.measure()  // the first time pays for pages and caches
      let values = try (0..<options.repeats).map { _ in try entry.measure() }.sorted()
      tell(entry, values)
      medians[entry.name] = median(of: values)
    }
    if let file = options.plot { try draw(medians, to: file) }
  }

  /// Draws what was measured of growth: of registries, or of speed.
  private func draw(_ medians: [String: Double], to file: String) throws {
    let plot = options.only.hasPrefix("scale") ? scalePlot(medians) : curvePlot(medians)
    try Data(plot.svg.utf8).write(to: URL(fileURLWithPath: file), options: .atomic)
  }

  /// The middle of sorted values; between two of them where they are even.
  private func median(of values: [Double]) -> Double {
    (values[(values.count - 1) / 2] + values[values.count / 2]) / 2
  }

  private func tell(_ entry: Entry, _ values: [Double]) {
    let median = median(of: values)
    if options.isJSON {
      let line: JSONValue = [
        "name": .string(entry.name), "unit": .string(entry.unit), "value": .double(median),
        "values": .array(values.map(JSONValue.double)), "peakBytes": .int(peakBytes()),
      ]
      say(line.text(.compact))
    } else {
      let name = entry.name.padding(toLength: 26, withPad: " ", startingAt: 0)
      let range = String(format: "%.4g to %.4g", values[0], values[values.count - 1])
      say(
        name + String(format: "%12.4g", median) + " \(entry.unit)  (\(range), peak "
          + "\(peakBytes() / 1_000_000) MB)")
    }
  }

  private func say(_ line: String) { FileHandle.standardOutput.write(Data((line + "\n").utf8)) }

  /// Seconds that `body` takes.
  func seconds(_ body: () throws -> Void) rethrows -> Double {
    let start = ContinuousClock.now
    try body()
    let time = (ContinuousClock.now - start).components
    return Double(time.seconds) + Double(time.attoseconds) * 1e-18
  }

  /// The most memory this process has had resident so far, as the kernel tells it.
  private func peakBytes() -> Int {
    let status = (try? String(contentsOfFile: "/proc/self/status", encoding: .utf8)) ?? ""
    let line = status.split(separator: "\n").first { $0.hasPrefix("VmHWM:") } ?? ""
    return (line.split(separator: " ").dropFirst().first.flatMap { Int($0) } ?? 0) * 1024
  }
}
