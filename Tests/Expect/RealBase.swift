import Foundation

/// The real pretrained base that the `RealBase` suites run on: SmolLM2-135M-Instruct, fetched by `make test`.
public enum RealBase {
  /// Its GGUF file in `LORIKEET_HOME`, by default `~/.lorikeet`.
  public static var path: String {
    let environment = ProcessInfo.processInfo.environment
    let home =
      environment["LORIKEET_HOME"] ?? (environment["HOME"] ?? NSHomeDirectory()) + "/.lorikeet"
    return home + "/bases/smollm2-135m-instruct/SmolLM2-135M-Instruct.Q4_1.gguf"
  }
}
