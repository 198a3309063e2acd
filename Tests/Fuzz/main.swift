// Reads damaged files until one does harm: what the fuzz tests run, and what runs a case of theirs again.
//
// Usage: fuzz list | fuzz show PARSER SEED CASE | fuzz run PARSER SEED FIRST RANDOM TRACE | fuzz cut FILE
// `run` goes from case FIRST to the sweep's end and through so many random cases more; before each it writes the number
// into the file TRACE, so that whoever started it knows which one ended it. `show` writes a case's bytes to the output.
// `cut` maps FILE, cuts it short under itself and reads on, as the commands would a base that somebody damages.

import CommandLineTool
import Digests
import Foundation
import Tensors

func say(_ text: String) { FileHandle.standardOutput.write(Data((text + "\n").utf8)) }

func fail(_ text: String) -> Never {
  FileHandle.standardError.write(Data("fuzz: \(text)\n".utf8))
  exit(2)
}

let words = Array(CommandLine.arguments.dropFirst())
if words == ["list"] {
  for (name, _) in Parser.all { say(name) }
  exit(0)
}
if words.count == 2, words[0] == "cut" {
  CutFile.catchSignal()
  let bytes = try MappedFile(path: words[1]).bytes
  try FileHandle(forWritingTo: URL(fileURLWithPath: words[1])).truncate(atOffset: 0)
  fail("read \(Digest.of(bytes.text ?? "")) behind the end")
}
guard words.count >= 4, let seed = UInt64(words[2]), let number = Int(words[3]),
  let (name, make) = (Parser.all + Parser.broken).first(where: { $0.name == words[1] })
else { fail("usage: fuzz list | show PARSER SEED CASE | run PARSER SEED FIRST RANDOM TRACE") }

do {
  let plan = Plan(name: name, try make(), seed: seed)
  if words[0] == "show" {
    FileHandle.standardOutput.write(Data(plan.bytes(of: number).bytes))
  } else if words.count == 6, let random = Int(words[4]) {
    let end = plan.sweepCount + random / plan.parser.slowness
    try Run(plan: plan, trace: words[5]).go(number..<max(number, end))
  }
} catch {
  fail("\(name): \(error)")
}
