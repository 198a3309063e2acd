import Foundation
import Tensors

/// `lorikeet-bench [--json] [--only PREFIX] [--repeat N]`: Lorikeet's figures on this machine.
let options: BenchmarkOptions
do {
  options = try BenchmarkOptions(Array(CommandLine.arguments.dropFirst()))
} catch {
  FileHandle.standardError.write(Data("lorikeet-bench: \(error)\n".utf8))
  exit(2)
}
if let problem = EnvironmentCheck.problem {
  FileHandle.standardError.write(Data("lorikeet-bench: \(problem)\n".utf8))
  exit(2)
}
if options.isHelp {
  print(BenchmarkOptions.usage)
  exit(0)
}
do {
  try Benchmark(options).run()
} catch let error as BenchmarkOptions.UsageError {
  FileHandle.standardError.write(Data("lorikeet-bench: \(error)\n".utf8))
  exit(2)
} catch {
  FileHandle.standardError.write(Data("lorikeet-bench: \(error)\n".utf8))
  exit(1)
}
