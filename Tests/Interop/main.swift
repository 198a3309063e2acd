// What Lorikeet makes of an adapter that PEFT saved, for `Tests/Peers/live_peft.py` to hold against PEFT.
//
// Usage: adapter-logits BASE ADAPTER EXPORTED LOGITS TOKEN...
// Reads the directory ADAPTER over the checkpoint BASE, writes it again as the directory EXPORTED, and the logits of
// the tokens as the safetensors file LOGITS: `logits`, (T, vocabulary).

import Adapters
import Autograd
import Checkpoints
import Digests
import Foundation
import Models
import Tensors

func run(_ arguments: [String]) throws {
  let tokens = arguments.dropFirst(5).compactMap { Int32($0) }
  guard arguments.count > 5, tokens.count == arguments.count - 5 else {
    throw AdapterError(.badFile, "usage: adapter-logits BASE ADAPTER EXPORTED LOGITS TOKEN...")
  }
  let pool = WorkerPool()
  let model = try Model.load(try Checkpoint.open(path: arguments[1]), pool: pool)
  let adapter = try PEFT.read(
    directory: arguments[2], baseFingerprint: Digest.of("any"), slots: model.slots)
  try PEFT.write(adapter, directory: arguments[3])

  let tape = Tape(pool: pool, recycler: BufferRecycler(), recording: false)
  let batch = RaggedBatch(sequences: [tokens])
  let updates = ResidentUpdates(adapter.updates, for: model).applied(to: 0..<tokens.count)
  let hidden = try model.hiddenStates(batch, updates: updates, on: tape)
  let logits = model.logits(hidden, updates: updates, on: tape).value
  let file = SafetensorsFile.write([StoredTensor(name: "logits", matrix: logits)])
  try Data(file).write(to: URL(fileURLWithPath: arguments[4]))
}

do { try run(CommandLine.arguments) } catch {
  FileHandle.standardError.write(Data("adapter-logits: \(error)\n".utf8))
  exit(1)
}
