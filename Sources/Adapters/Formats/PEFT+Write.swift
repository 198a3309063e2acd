import Foundation

extension PEFT {
  /// Writes `adapter` into the directory at `path`, which is made where it is not there, as PEFT would.
  ///
  /// The configuration is written last and each file appears whole: a directory with an `adapter_config.json` is complete.
  /// - Throws: `AdapterError` where the directory holds an adapter already, or cannot be written.
  public static func write(_ adapter: Adapter, directory path: String) throws(AdapterError) {
    let configuration = try adapter.configuration.portable(for: adapter.slots)
    let weights = try adapter.weightsFile()
    let folder = URL(fileURLWithPath: path, isDirectory: true)
    try checkPlace(of: folder)
    for name in [configurationName, weightsName, pickleName] {
      let file = folder.appendingPathComponent(name).path
      guard !FileManager.default.fileExists(atPath: file) else {
        throw AdapterError(.badFile, "'\(file)' is there already; write into another directory")
      }
    }
    do {
      try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
      try Data(weights).write(
        to: folder.appendingPathComponent(weightsName), options: .atomic)
      try Data(configuration.file).write(
        to: folder.appendingPathComponent(configurationName), options: .atomic)
    } catch {
      throw AdapterError(
        .badFile, "cannot write the adapter to '\(path)': \(error.localizedDescription)")
    }
  }

  /// Refuses a directory that can not be made since a file stands there, or above it.
  private static func checkPlace(of folder: URL) throws(AdapterError) {
    var place = folder
    while place.path != "/" {
      var isFolder: ObjCBool = false
      if unsafe FileManager.default.fileExists(atPath: place.path, isDirectory: &isFolder) {
        guard isFolder.boolValue else {
          throw AdapterError(
            .badFile, "'\(place.path)' is a file, not a directory; give another directory")
        }
        return
      }
      place.deleteLastPathComponent()
    }
  }
}
