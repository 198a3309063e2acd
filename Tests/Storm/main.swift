// Works on a registry without pause until it is killed: what the tests of `kill -9` kill.
//
// Usage: storm REGISTRY
// Its other files lie beside it: REGISTRY.backup, REGISTRY.a.bundle, REGISTRY.second (a registry that takes bundles in),
// REGISTRY.restored, REGISTRY.old (made from REGISTRY.version1, where that is).
// Each operation that has returned is one line on the output, written before the next begins; the first says that it runs.
// Where a call that is cut short leaves traces, a line before it says what it is about to do.

import Foundation
import Registry

/// Writes a line at once, whole.
func acknowledge(_ words: String...) {
  FileHandle.standardOutput.write(Data((words.joined(separator: " ") + "\n").utf8))
}

do {
  let path = CommandLine.arguments[1]
  let registry = try Registry(path: path)
  acknowledge("running")
  var storm = Storm(
    path: path, registry: registry, second: try Registry(path: path + ".second"))
  if try storm.second.bases().isEmpty { try storm.second.addBase(registry.bases()[0].facts) }
  while true { try storm.step() }
} catch {
  FileHandle.standardError.write(Data("storm: \(error)\n".utf8))
  exit(1)
}
