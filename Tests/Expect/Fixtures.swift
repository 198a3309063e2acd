public import Foundation

/// Where the fixtures lie: `Tests/Fixtures` of the checkout that built the tests.
public enum Fixtures {
  /// The folder itself.
  public static let folder = URL(fileURLWithPath: #filePath)
    .deletingLastPathComponent().deletingLastPathComponent().appendingPathComponent("Fixtures")

  /// The URL of the fixture at `path`, relative to the folder.
  public static func url(_ path: String) -> URL { folder.appendingPathComponent(path) }

  /// The bytes of the fixture at `path`.
  public static func data(_ path: String) throws -> Data { try Data(contentsOf: url(path)) }
}
