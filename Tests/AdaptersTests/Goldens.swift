import Adapters
import Expect
import Foundation
import JSON
import Models

/// What `Tests/Fixtures/adapters` holds.
enum Goldens {
  /// A JSON fixture.
  static func json(_ name: String) throws -> JSONValue {
    try JSONValue(parsing: try Fixtures.data("adapters/" + name))
  }

  /// The slot table of one of the fixtures' models, `llama` or `qwen2`.
  static func slots(_ model: String) throws -> SlotTable {
    let list = try json("selections.json")["models"]?[model]?.arrayValue ?? []
    return SlotTable(
      list.map { slot in
        let members = slot.arrayValue ?? []
        return SlotInfo(
          path: members[0].stringValue ?? "", inputSize: members[1].intValue ?? 0,
          outputSize: members[2].intValue ?? 0, isHead: members[3].boolValue ?? false)
      })
  }
}
