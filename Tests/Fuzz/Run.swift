import Foundation
import Glibc

/// Goes through cases and tells the harm that does not end the process.
struct Run {
  let plan: Plan
  /// The file that holds the number of the case at work.
  let trace: String

  func go(_ cases: Range<Int>) throws {
    guard FileManager.default.createFile(atPath: trace, contents: nil),
      let log = FileHandle(forWritingAtPath: trace)
    else { fail("cannot write '\(trace)'") }
    var (taken, refused) = (0, 0)
    // The first reading builds what stays: tables, pools, the pages of the libraries.
    for sample in plan.parser.samples {
      do { try plan.parser.read(sample, sample.bytes) } catch {
        say("fault 0 the sound file '\(sample.name)' is refused: \(error)")
      }
    }
    Bounds.limitMemory(largest: plan.parser.samples.map(\.bytes.count).max() ?? 0)
    for number in cases {
      let (sample, bytes) = plan.bytes(of: number)
      let line = Array(String(format: "%-20d", number).utf8)
      unsafe pwrite(log.fileDescriptor, line, line.count, 0)
      Bounds.begin()
      let held = Bounds.held
      do {
        try plan.parser.read(sample, bytes)
        taken += 1
      } catch {
        refused += 1
        if let complaint = Complaint(about: error) { say("fault \(number) \(complaint)") }
      }
      let grown = Bounds.peak - held
      if grown > Bounds.freeBytes + Bounds.bytesPerByte * bytes.count {
        say("fault \(number) \(grown >> 20) MiB of memory for a file of \(bytes.count) bytes")
      }
    }
    say("done \(taken) \(refused)")
  }
}
