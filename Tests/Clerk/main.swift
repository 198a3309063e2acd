// Another process at a registry, which does as it is told and says what came of it: for the tests of faults.
//
// Usage: clerk [--as-nobody] [--files-up-to BYTES] REGISTRY COMMAND [ARGUMENTS]
//   publish NAME COUNT SIZE    publishes so many versions of so many bytes
//   move NAME COUNT            points 'production' at its versions in turn
//   read NAME COUNT            opens the registry so many times, resolves, loads and lists
//   backup FILE                writes a backup
//   restore FILE               puts a backup in the registry's place
// A line for each thing done, written when it is; an error is `error CODE MESSAGE` and exit code 3.

import Digests
import Foundation
import Registry

/// Writes a line at once, whole.
func say(_ words: String...) {
  FileHandle.standardOutput.write(Data((words.joined(separator: " ") + "\n").utf8))
}

/// One command at one registry.
struct Clerk {
  let path: String

  func obey(_ words: [String]) throws {
    switch words[0] {
    case "publish": try publish(words[1], count: number(words[2]), size: number(words[3]))
    case "move": try move(words[1], count: number(words[2]))
    case "read": try read(words[1], count: number(words[2]))
    case "backup":
      try Registry(path: path).backup(to: words[1])
      say("backup")
    case "restore":
      try Registry.restore(words[1], to: path, replacing: true)
      say("restored")
    default: fatalError("no command '\(words[0])'")
    }
  }

  private func number(_ word: String) -> Int { Int(word) ?? 0 }

  private func publish(_ name: String, count: Int, size: Int) throws {
    let registry = try Registry(path: path)
    for _ in 0..<count {
      let salt = UUID().uuidString
      let weights = Array(salt.utf8) + [UInt8](repeating: 7, count: size)
      let version = try registry.publish(
        NewVersion(
          adapter: name, digest: Digest.of(salt), base: try registry.bases()[0].fingerprint,
          method: "lora", rank: 8, alpha: 16, configuration: "{}", promptContract: "{}",
          weights: weights)
      ).version
      say("published", "\(name)@\(version.number)", version.weights.hex)
    }
  }

  private func move(_ name: String, count: Int) throws {
    let registry = try Registry(path: path)
    for turn in 0..<count {
      let versions = try registry.versions(of: name)
      let target = versions[turn % versions.count]
      try registry.setAlias("production", to: target.reference)
      say("moved", target.reference)
    }
  }

  private func read(_ name: String, count: Int) throws {
    for _ in 0..<count {
      let registry = try Registry(path: path)
      let version = try registry.version("\(name):latest")
      _ = try registry.weights(of: version)
      say("read", version.reference, "\(try registry.list().count)", "\(registry.isReadOnly)")
    }
  }
}

var words = Array(CommandLine.arguments.dropFirst())
if words.first == "--as-nobody" {
  words.removeFirst()
  // Permissions do not bind root; 65534 is nobody on Linux.
  if geteuid() == 0, setgid(65534) != 0 || setuid(65534) != 0 { exit(4) }
}
if words.first == "--files-up-to" {
  let bytes = UInt(words[1]) ?? 0
  words.removeFirst(2)
  var limit = rlimit(rlim_cur: bytes, rlim_max: bytes)
  // Ignored, so that a write past the limit fails with EFBIG instead of ending the process.
  signal(SIGXFSZ, SIG_IGN)
  if unsafe setrlimit(__rlimit_resource_t(RLIMIT_FSIZE.rawValue), &limit) != 0 { exit(4) }
}
do {
  try Clerk(path: words[0]).obey(Array(words.dropFirst()))
} catch let error as RegistryError {
  say("error", "\(error.code)", error.message)
  exit(3)
}
