import JSON
import Registry

/// What the names in a body mean to us: read, harmless, or refused unless they ask for what is done anyway.
enum KnownParameters {
  private static let mostMembers = 256

  /// Read on both routes.
  private static let read: Set<String> = [
    "model", "max_tokens", "max_completion_tokens", "temperature", "top_p", "top_k", "min_p",
    "repetition_penalty", "frequency_penalty", "presence_penalty", "logit_bias", "n", "best_of",
    "stop", "seed", "stream", "stream_options", "logprobs", "user", "lora",
  ]

  /// They change no word of an answer.
  private static let harmless: Set<String> = [
    "metadata", "store", "service_tier", "prompt_cache_key", "prompt_cache_retention",
    "safety_identifier", "parallel_tool_calls", "cache_prompt", "id_slot", "timings_per_token",
    "priority", "request_id",
  ]

  /// They would change the answer, and are not supported: what each may be all the same, besides null.
  private static let refused: [String: [JSONValue]] = [
    // OpenAI's.
    "tools": [[]], "tool_choice": ["none"], "functions": [[]], "function_call": ["none"],
    "response_format": [["type": "text"]], "audio": [], "modalities": [["text"]],
    "prediction": [], "web_search_options": [], "reasoning_effort": ["none"], "verbosity": [],
    // llama.cpp's.
    "json_schema": [], "grammar": [""], "mirostat": [0], "typical_p": [1, 1.0],
    "dry_multiplier": [0, 0.0], "xtc_probability": [0, 0.0], "repeat_penalty": [1, 1.0],
    "n_predict": [-1], "repeat_last_n": [], "samplers": [], "top_n_sigma": [-1, -1.0],
    "dynatemp_range": [0, 0.0], "dynatemp_exponent": [1, 1.0], "min_keep": [0], "n_probs": [0],
    "return_tokens": [false], "t_max_predict_ms": [0], "n_keep": [0],
    // vLLM's.
    "guided_json": [], "guided_regex": [], "guided_choice": [], "guided_grammar": [],
    "structured_outputs": [], "use_beam_search": [false], "length_penalty": [1, 1.0],
    "min_tokens": [0], "ignore_eos": [false], "stop_token_ids": [[]], "bad_words": [[]],
    "prompt_logprobs": [], "add_generation_prompt": [true], "continue_final_message": [false],
    "chat_template": [], "chat_template_kwargs": [[:]], "documents": [[]],
    "include_stop_str_in_output": [false], "allowed_token_ids": [[]],
    "truncate_prompt_tokens": [-1], "add_special_tokens": [true], "logits_processors": [[]],
    "skip_special_tokens": [true], "spaces_between_special_tokens": [true],
    "return_token_ids": [false], "return_tokens_as_token_ids": [false],
    // Others' ways to name an adapter, which would leave the base to answer.
    "lora_path": [], "adapters": [], "adapter_id": [], "adapter_source": [],
    // SGLang's.
    "regex": [], "ebnf": [], "no_stop_trim": [false],
  ]

  /// What only one route reads, and what it may be on the other.
  private static func own(_ route: CompletionRoute) -> [String: [JSONValue]] {
    switch route {
    case .chat: ["messages": [], "top_logprobs": []]
    case .text: ["prompt": [], "echo": [false]]
    }
  }

  /// Refuses `body` where a member would change the answer and is not read by `route`.
  static func check(_ body: JSONObject, for route: CompletionRoute) throws(APIError) {
    guard body.count <= mostMembers else {
      throw APIError(
        .invalidRequest, "the body has \(body.count) members; \(mostMembers) are the most")
    }
    var refused = refused.merging(own(route == .chat ? .text : .chat)) { first, _ in first }
    // OpenAI's text completions once had it.
    refused["suffix"] = [""]
    for (name, allowed) in refused.sorted(by: { $0.key < $1.key }) {
      guard let value = body[name], !value.isNull, !allowed.contains(value) else { continue }
      let advice = allowed.first.map { "leave it out, or write \($0.text())" } ?? "leave it out"
      throw .unsupported(name, advice)
    }
    let known = read.union(harmless).union(refused.keys).union(own(route).keys)
    try checkNames(ParameterReader(body), known: known)
  }

  /// Refuses what would change the tokens of a text, and is not done.
  static func checkTokenizing(_ reader: ParameterReader) throws(APIError) {
    for (name, only) in [
      ("add_generation_prompt", true), ("add_special_tokens", true), ("parse_special", true),
      ("with_pieces", false), ("return_token_strs", false), ("continue_final_message", false),
    ] where try reader.bool(name) ?? only != only {
      throw .unsupported(name, "leave it out, or write \(only)")
    }
  }

  /// Refuses a name that is no known one but near one: a slip, whose wish would be passed over. Other names are ignored, as
  /// every server of this API does.
  static func checkNames(_ reader: ParameterReader, known: Set<String>) throws(APIError) {
    for name in reader.names where !known.contains(name) {
      guard let near = nearest(to: name, among: known) else { continue }
      throw APIError(
        .invalidRequest,
        "there is no parameter '\(abridged(reader.path(name)))'; did you mean '\(reader.path(near))'?",
        param: reader.path(name), code: "unknown_parameter")
    }
  }

  /// The known name nearest to `name`, within one edit for each three letters and at most two.
  private static func nearest(to name: String, among known: Set<String>) -> String? {
    guard name.utf8.count <= 40 else { return nil }
    let bound = min(2, name.utf8.count / 3)
    let word = name.lowercased()
    return known.sorted()
      .map { (name: $0, distance: editDistance(word, $0)) }
      .filter { $0.distance <= bound }
      .min { $0.distance < $1.distance }?.name
  }
}
