public import JSON

extension CompletionBody {
  /// Reads the body of a request to `route`.
  public init(parsing body: [UInt8], for route: CompletionRoute) throws(APIError) {
    let json: JSONValue
    do { json = try JSONValue(parsing: body) } catch {
      throw APIError(
        .invalidRequest, "the body is not JSON: \(error.message)", code: "invalid_json")
    }
    try self.init(json, for: route)
  }

  /// Reads the body of a request to `route`.
  /// - Throws: What is wrong first, with the parameter's name.
  public init(_ json: JSONValue, for route: CompletionRoute) throws(APIError) {
    guard let object = json.objectValue else {
      throw APIError(.invalidRequest, "the body must be an object, not \(json.kind)")
    }
    let reader = ParameterReader(object)
    try KnownParameters.check(object, for: route)
    model = try Self.model(reader)
    input =
      switch route {
      case .chat: .chat(try ChatMessage.list(reader))
      case .text: .text(try Prompts(reader))
      }
    maxTokens = try Self.maxTokens(reader, route)
    sampling = try SamplingBody(reader)
    count = try reader.integer("n", in: 1...128) ?? 1
    stop = try Self.stop(reader)
    isStream = try reader.bool("stream") ?? false
    includesUsage = try Self.includesUsage(reader, isStream: isStream)
    logprobs = try Self.logprobs(reader, route)
    echo = try reader.bool("echo") ?? false
    user = try reader.string("user")
    lora = try Self.lora(reader)
    try checkCount(reader)
  }

  private func checkCount(_ reader: ParameterReader) throws(APIError) {
    if let best = try reader.integer("best_of", in: 1...128), best != count {
      throw .unsupported("best_of", "leave it out, or give as many as 'n' (\(count))")
    }
    guard case .text(let prompts) = input, prompts.count * count > Prompts.most else { return }
    throw .wrongValue(
      "n", "such that there are at most \(Prompts.most) answers to \(prompts.count) prompts",
      "\(count)")
  }

  private static func model(_ reader: ParameterReader) throws(APIError) -> String {
    _ = try reader.required("model")
    let model = try reader.string("model") ?? ""
    guard (1...512).contains(model.utf8.count) else {
      throw .wrongValue("model", "a name of 1 to 512 bytes", "one of \(model.utf8.count)")
    }
    return model
  }

  private static func maxTokens(
    _ reader: ParameterReader, _ route: CompletionRoute
  ) throws(APIError) -> Int? {
    let range = 1...Int(Int32.max)
    let (old, new) = (
      try reader.integer("max_tokens", in: range),
      try reader.integer("max_completion_tokens", in: range)
    )
    if let old, let new, old != new {
      throw .wrongValue("max_completion_tokens", "the same as 'max_tokens' (\(old))", "\(new)")
    }
    // OpenAI's default for text completions is 16.
    return new ?? old ?? (route == .chat ? nil : 16)
  }

  private static func stop(_ reader: ParameterReader) throws(APIError) -> [String] {
    guard let value = reader["stop"] else { return [] }
    let list = value.stringValue == nil ? try reader.array("stop", atMost: 16) ?? [] : [value]
    var stop: [String] = []
    for (index, element) in list.enumerated() {
      let path = value.stringValue == nil ? "stop[\(index)]" : "stop"
      guard let text = element.stringValue else { throw .wrongType(path, "a string", element) }
      guard (1...1_024).contains(text.utf8.count) else {
        throw .wrongValue(path, "a text of 1 to 1024 bytes", "one of \(text.utf8.count)")
      }
      stop.append(text)
    }
    return stop
  }

  private static func includesUsage(
    _ reader: ParameterReader, isStream: Bool
  ) throws(APIError) -> Bool {
    guard let value = reader["stream_options"] else { return false }
    let options = try ParameterReader(value, at: "stream_options")
    guard isStream else {
      throw APIError(
        .invalidRequest, "'stream_options' goes with 'stream': true", param: "stream_options",
        code: "invalid_value")
    }
    try KnownParameters.checkNames(
      options, known: ["include_usage", "include_obfuscation", "continuous_usage_stats"])
    if try options.bool("continuous_usage_stats") == true {
      throw .unsupported("stream_options.continuous_usage_stats", "leave it out")
    }
    return try options.bool("include_usage") ?? false
  }

  private static func logprobs(
    _ reader: ParameterReader, _ route: CompletionRoute
  ) throws(APIError) -> Int? {
    if route == .text { return try reader.integer("logprobs", in: 0...5) }
    let isAsked = try reader.bool("logprobs") ?? false
    let top = try reader.integer("top_logprobs", in: 0...20)
    if top != nil, !isAsked {
      throw APIError(
        .invalidRequest, "'top_logprobs' goes with 'logprobs': true", param: "top_logprobs",
        code: "invalid_value")
    }
    return isAsked ? top ?? 0 : nil
  }

  private static func lora(_ reader: ParameterReader) throws(APIError) -> [ScaledAdapter]? {
    guard let list = try reader.array("lora", atMost: 64) else { return nil }
    var found: [ScaledAdapter] = []
    for (index, value) in list.enumerated() {
      let element = try ParameterReader(value, at: "lora[\(index)]")
      _ = try element.required("id")
      _ = try element.required("scale")
      let id = try element.integer("id", in: 0...Int(Int32.max)) ?? 0
      guard !found.contains(where: { $0.id == id }) else {
        throw .wrongValue("lora[\(index)].id", "another one each time", "\(id) again")
      }
      let scale = try element.number("scale", in: -1_000...1_000) ?? 0
      found.append(ScaledAdapter(id: id, scale: scale))
    }
    return found
  }
}
