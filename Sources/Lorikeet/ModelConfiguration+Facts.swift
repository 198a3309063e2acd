import Checkpoints
import JSON

extension ModelConfiguration {
  /// What people and scripts want to know of a base, as the registry keeps it.
  var facts: JSONValue {
    [
      "architecture": .string(architecture.rawValue), "hiddenSize": .int(hiddenSize),
      "layers": .int(layerCount), "heads": .int(headCount),
      "keyValueHeads": .int(keyValueHeadCount), "headSize": .int(headSize),
      "feedForwardSize": .int(feedForwardSize), "vocabularySize": .int(vocabularySize),
      "contextLength": .int(contextLength), "ropeBase": .double(ropeBase),
      "slidingWindow": slidingWindow.map(JSONValue.int) ?? .null,
      "tiedEmbeddings": .bool(tiedEmbeddings),
    ]
  }
}
