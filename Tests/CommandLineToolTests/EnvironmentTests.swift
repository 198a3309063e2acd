import Foundation
import Testing

/// What the environment asks for of kernels and threads, in processes of their own.
@Suite struct EnvironmentTests {
  @Test(
    "a wish that cannot be granted is refused, not passed over",
    arguments: [
      ("LORIKEET_KERNELS", "avx51", 2), ("LORIKEET_KERNELS", "portable", 0),
      ("LORIKEET_KERNELS", "", 0), ("LORIKEET_THREADS", "0", 2), ("LORIKEET_THREADS", "many", 2),
      ("LORIKEET_THREADS", "3", 0),
    ] as [(String, String, Int32)])
  func wishes(name: String, value: String, code: Int32) throws {
    let command = try BuiltCommand(
      ["--version"], home: FileManager.default.temporaryDirectory, variables: [name: value])
    #expect(command.wait() == .exit(code))
  }
}
