// swift-tools-version: 6.2
import PackageDescription

let strict: [SwiftSetting] = [
  .enableUpcomingFeature("ExistentialAny"),
  .enableUpcomingFeature("MemberImportVisibility"),
  .enableUpcomingFeature("InternalImportsByDefault"),
  .enableUpcomingFeature("NonisolatedNonsendingByDefault"),
  .strictMemorySafety(),
  .treatAllWarnings(as: .error),
]

/// A room of the house: a library target with the rooms below it that it may import.
func room(_ name: String, _ dependencies: [Target.Dependency] = []) -> Target {
  .target(name: name, dependencies: dependencies, swiftSettings: strict)
}

/// A command: an executable target, in a folder that no case-insensitive file system confuses with a library.
func command(_ name: String, _ dependencies: [Target.Dependency]) -> Target {
  .executableTarget(name: name, dependencies: dependencies, swiftSettings: strict)
}

/// The tests of one room.
func tests(_ room: String, _ dependencies: [Target.Dependency] = []) -> Target {
  .testTarget(
    name: room + "Tests", dependencies: [.target(name: room), "Expect"] + dependencies,
    swiftSettings: strict)
}

let package = Package(
  name: "Lorikeet",
  products: [
    .library(name: "Lorikeet", targets: ["Lorikeet"]),
    .executable(name: "lorikeet", targets: ["lorikeet-cli"]),
    .executable(name: "lorikeet-bench", targets: ["lorikeet-bench"]),
  ],
  targets: [
    // System libraries.
    .systemLibrary(name: "CSQLite", pkgConfig: "sqlite3", providers: [.apt(["libsqlite3-dev"])]),
    .systemLibrary(
      name: "COpenBLAS", pkgConfig: "openblas", providers: [.apt(["libopenblas-dev"])]),
    .systemLibrary(name: "CNettle", pkgConfig: "nettle", providers: [.apt(["libmicrohttpd-dev"])]),

    .systemLibrary(
      name: "CMicroHTTPD", pkgConfig: "libmicrohttpd", providers: [.apt(["libmicrohttpd-dev"])]),

    // The house, from the ground up. Nothing points upward.
    .target(name: "CKernels", cSettings: [.define("_GNU_SOURCE")]),
    room("Digests", ["CNettle"]),
    room("JSON"),
    room("Tensors", ["CKernels", "COpenBLAS"]),
    room("Autograd", ["Tensors"]),
    room("Checkpoints", ["Tensors", "Digests", "JSON"]),
    room("Tokenizers"),
    room("Models", ["Autograd", "Checkpoints", "Tensors"]),
    room("Adapters", ["Models", "Autograd", "Checkpoints", "Tensors", "Digests", "JSON"]),
    room(
      "Training",
      ["Adapters", "Models", "Autograd", "Checkpoints", "Tokenizers", "Tensors", "Digests", "JSON"]),
    room(
      "Serving",
      ["Adapters", "Models", "Autograd", "Checkpoints", "Tokenizers", "Tensors", "Digests"]),
    room("Registry", ["CSQLite", "Digests"]),
    room(
      "Lorikeet",
      [
        "Training", "Serving", "Registry", "Adapters", "Models", "Autograd", "Checkpoints",
        "Tokenizers", "Tensors", "Digests", "JSON",
      ]),

    // Thin faces.
    room(
      "HTTPService",
      [
        "CMicroHTTPD", "Lorikeet", "Adapters", "Training", "Serving", "Registry", "Checkpoints",
        "Models", "Tokenizers", "Tensors", "Digests", "JSON",
      ]),
    room(
      "CommandLineTool",
      [
        "HTTPService", "Lorikeet", "Adapters", "Training", "Serving", "Registry", "Tensors",
        "Digests", "JSON",
      ]),
    command("lorikeet-cli", ["CommandLineTool"]),
    command(
      "lorikeet-bench",
      [
        "Lorikeet", "Adapters", "Autograd", "Digests", "JSON", "Models", "Registry", "Tensors",
      ]),

    // Tests: one target a room; `Expect` holds element-wise comparisons and finds fixtures.
    .target(name: "Expect", path: "Tests/Expect", swiftSettings: strict),
    .target(
      name: "Toys",
      dependencies: [
        "HTTPService", "Lorikeet", "Registry", "Adapters", "Checkpoints", "Models", "Training",
        "Tensors", "Digests", "JSON",
      ], path: "Tests/Toys", swiftSettings: strict),
    .executableTarget(
      name: "storm", dependencies: ["Registry", "Digests"], path: "Tests/Storm",
      swiftSettings: strict),
    .executableTarget(
      name: "clerk", dependencies: ["Registry", "Digests"], path: "Tests/Clerk",
      swiftSettings: strict),
    .executableTarget(
      name: "fuzz",
      dependencies: [
        "HTTPService", "Lorikeet", "CommandLineTool", "Training", "Serving", "Registry", "Adapters",
        "Models", "Checkpoints", "Tokenizers", "Tensors", "Digests", "JSON", "Expect", "Toys",
      ], path: "Tests/Fuzz", swiftSettings: strict),
    .testTarget(name: "FuzzTests", dependencies: ["fuzz"], swiftSettings: strict),
    .executableTarget(
      name: "adapter-logits",
      dependencies: ["Adapters", "Autograd", "Checkpoints", "Digests", "Models", "Tensors"],
      path: "Tests/Interop", swiftSettings: strict),
    tests(
      "Training",
      ["Adapters", "Autograd", "Checkpoints", "Models", "Tokenizers", "Tensors", "Digests", "JSON"]),
    tests(
      "Lorikeet",
      [
        "Toys", "Registry", "Serving", "Training", "Checkpoints", "Models", "Autograd", "Tensors",
        "Digests",
      ]),
    tests("Tensors", ["CKernels", "COpenBLAS", "Digests"]),
    tests("Models", ["Autograd", "Checkpoints", "Tensors", "JSON"]),
    tests("Autograd", ["Tensors"]),
    tests("JSON"),
    tests(
      "Serving",
      ["Adapters", "Models", "Autograd", "Checkpoints", "Tokenizers", "Tensors", "Digests"]),
    tests(
      "HTTPService",
      [
        "Toys", "Lorikeet", "Serving", "Registry", "Adapters", "Models", "Tokenizers", "Tensors",
        "Digests", "JSON",
      ]),
    tests("Registry", ["Digests"]),
    tests("Tokenizers", ["Checkpoints"]),
    tests("Adapters", ["Autograd", "Models", "Checkpoints", "Tensors", "Digests", "JSON"]),
    tests("Checkpoints", ["Tensors", "Digests", "JSON"]),
    tests("CommandLineTool", ["Registry", "Digests", "JSON", "Tensors", "Toys"]),
  ],
  swiftLanguageModes: [.v6],
  cLanguageStandard: .c17
)
