public import Digests
public import Foundation
public import Models
import Tensors

extension PEFT {
  /// Reads the adapter that PEFT saved in the directory at `path`.
  /// - Throws: `AdapterError` where a file is missing or damaged, the configuration asks for what is not built, or
  ///   the adapter does not fit the base.
  public static func read(
    directory path: String, baseFingerprint: Digest, promptContract: Data = Data(),
    slots: SlotTable
  ) throws(AdapterError) -> Adapter {
    let configuration = try readConfiguration(directory: path)
    let weights = try file(weightsName, in: path)
    do {
      return try Adapter.read(
        weights: Bytes(weights), configuration: configuration, baseFingerprint: baseFingerprint,
        promptContract: promptContract, slots: slots)
    } catch {
      throw AdapterError(error.code, "'\(path)': \(error.message)")
    }
  }

  /// Reads only the configuration of the directory at `path`.
  public static func readConfiguration(
    directory path: String
  ) throws(AdapterError) -> LoRAConfiguration {
    let bytes = try file(configurationName, in: path, limit: largestConfiguration)
    do { return try LoRAConfiguration(file: bytes) } catch {
      throw AdapterError(error.code, "'\(path)': \(error.message)")
    }
  }

  /// A copy of the file called `name`.
  private static func file(
    _ name: String, in folder: String, limit: Int = .max
  ) throws(AdapterError) -> [UInt8] {
    var isDirectory: ObjCBool = false
    guard unsafe FileManager.default.fileExists(atPath: folder, isDirectory: &isDirectory) else {
      throw AdapterError(.badFile, "there is no adapter directory '\(folder)'")
    }
    guard isDirectory.boolValue else {
      throw AdapterError(
        .badFile, "'\(folder)' is a file; give the directory that holds \(configurationName)")
    }
    let path = URL(fileURLWithPath: folder).appendingPathComponent(name).path
    guard FileManager.default.fileExists(atPath: path) else { throw missing(name, in: folder) }
    do { return try RegularFile.bytes(path: path, limit: limit) } catch {
      throw AdapterError(.badFile, error.message)
    }
  }

  private static func missing(_ name: String, in folder: String) -> AdapterError {
    let url = URL(fileURLWithPath: folder)
    func has(_ path: String) -> Bool {
      FileManager.default.fileExists(atPath: url.appendingPathComponent(path).path)
    }
    if name == weightsName, has(pickleName) {
      return AdapterError(
        .badFile,
        """
        '\(folder)' holds \(pickleName), a pickle: reading one runs whatever code it carries. Load it once with PEFT \
        where you trust it, and save it again with save_pretrained, which writes \(weightsName)
        """)
    }
    let entries = (try? FileManager.default.contentsOfDirectory(atPath: folder)) ?? []
    let inside = entries.sorted().first { has($0 + "/" + name) }
    let hint = inside.map { "; there is one in '\(folder)/\($0)'" } ?? ""
    return AdapterError(.badFile, "'\(folder)' holds no \(name)\(hint)")
  }
}
