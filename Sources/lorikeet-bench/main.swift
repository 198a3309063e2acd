import Foundation

/// `lorikeet-bench [--json] [--only PREFIX] [--repeat N]`: Lorikeet's figures on this machine.
let options: BenchmarkOptions
do {
  options = try BenchmarkOptions(Array(CommandLine.arguments.dropFirst()))
} catch {
  FileHandle.standardError.write(Data("lorikeet-bench: \(error)\n".utf8))
  exit(2)
}
do {
  try Benchmark(options).run()
} catch {
  FileHandle.standardError.write(Data("lorikeet-bench: \(error)\n".utf8))
  exit(1)
}
