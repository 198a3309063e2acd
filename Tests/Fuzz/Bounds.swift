import Foundation
import Glibc

/// What one case may take: the kernel ends the process that takes more.
enum Bounds {
  /// Seconds of the processor: far beyond any sound case, on any machine.
  static let processorSeconds = 5
  /// Seconds by the clock, against waiting for what never comes.
  static let seconds: UInt32 = 120
  /// Bytes beside those that a multiple of the file's size allows.
  static let freeBytes = 64 << 20
  /// Bytes of memory for each byte of the file: a JSON list of empty lists takes about thirty.
  static let bytesPerByte = 64

  /// Ends the process, from now on, where it asks for memory that no sample's size explains.
  ///
  /// A gigabyte of addresses is free beside that: each new thread's malloc sets 128 MiB of them aside for a moment.
  static func limitMemory(largest: Int) {
    guard let size = status("VmSize:") else { return }
    let most = rlim_t(size + 16 * freeBytes + 2 * bytesPerByte * largest)
    var limit = rlimit(rlim_cur: most, rlim_max: most)
    unsafe setrlimit(__rlimit_resource_t(RLIMIT_AS.rawValue), &limit)
  }

  /// Begins a case: the clocks start again.
  static func begin() {
    var time = itimerval()
    time.it_value.tv_sec = processorSeconds
    unsafe setitimer(__itimer_which_t(ITIMER_PROF.rawValue), &time, nil)
    alarm(seconds)
    // 5 sets the peak back to what is held now (proc(5), clear_refs).
    let file = unsafe open("/proc/self/clear_refs", O_WRONLY)
    if file >= 0 {
      _ = unsafe write(file, "5", 1)
      close(file)
    }
  }

  /// The most memory that was held at once since `begin()`, in bytes.
  static var peak: Int { status("VmHWM:") ?? 0 }
  /// The memory held now, in bytes.
  static var held: Int { status("VmRSS:") ?? 0 }

  /// A line of `/proc/self/status`, which counts in KiB.
  private static func status(_ key: StaticString) -> Int? {
    let file = unsafe open("/proc/self/status", O_RDONLY)
    guard file >= 0 else { return nil }
    defer { close(file) }
    let text = unsafe [UInt8](unsafeUninitializedCapacity: 4096) { buffer, count in
      count = unsafe max(0, read(file, buffer.baseAddress, 4096))
    }
    guard let found = text.firstRange(of: Array("\(key)".utf8)) else { return nil }
    let digits = text[found.upperBound...].drop { $0 == 32 || $0 == 9 }.prefix {
      (48...57).contains($0)
    }
    return Int(String(decoding: digits, as: UTF8.self)).map { $0 << 10 }
  }
}
