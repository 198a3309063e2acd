extension SamplingBody {
  private static let mostBiases = 1_024

  init(_ reader: ParameterReader) throws(APIError) {
    temperature = try reader.number("temperature", in: 0...2) ?? 1
    topP = try reader.number("top_p", in: 0...1) ?? 1
    // -1 (vLLM) and 0 (llama.cpp) stand for all.
    let topK = try reader.integer("top_k", in: -1...Int(Int32.max)) ?? 0
    self.topK = topK > 0 ? topK : nil
    minP = try reader.number("min_p", in: 0...1) ?? 0
    repetitionPenalty = try reader.number("repetition_penalty", in: 0.01...2) ?? 1
    frequencyPenalty = try reader.number("frequency_penalty", in: -2...2) ?? 0
    presencePenalty = try reader.number("presence_penalty", in: -2...2) ?? 0
    seed = try reader.integer("seed", in: .min ... .max)
    logitBias = try Self.logitBias(reader)
  }

  private static func logitBias(_ reader: ParameterReader) throws(APIError) -> [Int: Double] {
    guard let value = reader["logit_bias"] else { return [:] }
    let biases = try ParameterReader(value, at: "logit_bias")
    guard biases.names.count <= mostBiases else {
      throw APIError(
        .invalidRequest,
        "'logit_bias' has \(biases.names.count) members; \(mostBiases) are the most",
        param: "logit_bias", code: "invalid_value")
    }
    var found: [Int: Double] = [:]
    for name in biases.names {
      // One way to write each: "7" and "07" would be one token twice.
      guard let token = Int(name), String(token) == name, (0...Int(Int32.max)).contains(token)
      else { throw .wrongValue("logit_bias", "of tokens' numbers, such as \"50256\"", "'\(name)'") }
      found[token] = try biases.number(name, in: -100...100)
    }
    return found
  }
}
