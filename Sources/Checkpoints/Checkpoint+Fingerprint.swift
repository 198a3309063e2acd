public import Digests
import JSON
import Tensors

extension Checkpoint {
  /// The identity of the base: SHA-256 over the configuration that changes the mathematics and every tensor's name,
  /// stored type, shape and bytes, in the order of the names' bytes.
  ///
  /// A header of canonical JSON comes first, behind its length, so that no two bases give the same bytes.
  /// - Parameter progress: Called with the part done, 0 to 1, about every 16 MiB.
  public func fingerprint(progress: ((Double) -> Void)? = nil) -> Digest {
    var hasher = SHA256()
    let header = fingerprintHeader.bytes(.canonical)
    hasher.update(header.count)
    hasher.update(header)
    let total = max(1, tensors.values.reduce(0) { $0 + $1.stored.bytes.count })
    let step = 16 << 20
    var done = 0
    for name in tensorNames {
      guard let bytes = tensors[name]?.stored.bytes else { continue }
      for start in stride(from: 0, to: bytes.count, by: step) {
        let part = bytes[start..<min(bytes.count, start + step)]
        unsafe part.withUnsafeBytes { unsafe hasher.update($0) }
        done += part.count
        progress?(Double(done) / Double(total))
      }
    }
    return hasher.finish()
  }

  private var fingerprintHeader: JSONValue {
    let tensors: [JSONValue] = tensorNames.compactMap { name in
      guard let tensor = self.tensors[name] else { return nil }
      return [
        .string(name), .string(tensor.stored.dtype.rawValue),
        .array(tensor.stored.shape.map { .int($0) }),
        .string(tensor.interleaved ? "interleaved" : "plain"),
      ]
    }
    return ["format": 1, "model": configuration.mathematics, "tensors": .array(tensors)]
  }
}

extension ModelConfiguration {
  /// What changes the forward pass; not what only bounds it, such as the context length or the stops.
  var mathematics: JSONValue {
    let scaling: JSONValue =
      switch ropeScaling {
      case .none: nil
      case .linear(let factor): ["linear": .double(factor)]
      case .llama3(let factor, let low, let high, let context):
        ["llama3": [.double(factor), .double(low), .double(high), .int(context)]]
      case .factors(let factors): ["factors": .array(factors.map { .double(Double($0)) })]
      }
    return [
      // Mistral and Llama are one forward pass; a GGUF file calls both "llama".
      "architecture": .string(architecture == .mistral ? "llama" : architecture.rawValue),
      "hiddenSize": .int(hiddenSize), "layerCount": .int(layerCount), "headCount": .int(headCount),
      "keyValueHeadCount": .int(keyValueHeadCount), "headSize": .int(headSize),
      "feedForwardSize": .int(feedForwardSize), "vocabularySize": .int(vocabularySize),
      "rmsNormEpsilon": .double(Double(rmsNormEpsilon)), "ropeBase": .double(ropeBase),
      "ropeScaling": scaling, "slidingWindow": slidingWindow.map { .int($0) } ?? nil,
      "tiedEmbeddings": .bool(tiedEmbeddings), "attentionBias": .bool(attentionBias),
      "outputBias": .bool(outputBias), "queryKeyNorm": .bool(queryKeyNorm),
    ]
  }
}
