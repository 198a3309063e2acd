import HTTPService
import JSON
import Testing

/// The refusal that `json` meets, or nil.
private func refusal(_ json: String, _ route: CompletionRoute = .chat) -> APIError? {
  do {
    _ = try CompletionBody(parsing: Array(json.utf8), for: route)
    return nil
  } catch { return error }
}

/// The body with `members` beside what must be there.
private func chat(_ members: String) -> String {
  #"{"model": "m", "messages": [{"role": "user", "content": "hi"}]"#
    + (members.isEmpty ? "}" : ", \(members)}")
}

private func text(_ members: String) -> String {
  #"{"model": "m", "prompt": "hi""# + (members.isEmpty ? "}" : ", \(members)}")
}

private func read(_ json: String, _ route: CompletionRoute = .chat) throws -> CompletionBody {
  try CompletionBody(parsing: Array(json.utf8), for: route)
}

@Suite("Bodies of OpenAI's API") struct OpenAIBodyTests {
  @Test("what is left out has OpenAI's defaults, and null is as good as left out")
  func defaults() throws {
    let body = try read(chat(""))
    #expect(body.model == "m" && body.input == .chat([ChatMessage(role: .user, content: "hi")]))
    #expect(body.maxTokens == nil && body.count == 1 && body.stop.isEmpty && !body.isStream)
    #expect(!body.includesUsage && body.logprobs == nil && !body.echo && body.user == nil)
    #expect(body.lora == nil && body.sampling == SamplingBody())
    #expect(body.sampling.temperature == 1 && body.sampling.topP == 1 && body.sampling.seed == nil)
    let names = [
      "max_tokens", "max_completion_tokens", "temperature", "top_p", "top_k", "min_p", "seed",
      "repetition_penalty", "frequency_penalty", "presence_penalty", "logit_bias", "n", "best_of",
      "stop", "stream", "stream_options", "logprobs", "top_logprobs", "user", "lora", "tools",
      "tool_choice", "response_format", "suffix", "echo", "prompt", "grammar", "unheard_of",
    ]
    #expect(try read(chat(names.map { "\"\($0)\": null" }.joined(separator: ", "))) == body)
    let plain = try read(text(""), .text)
    #expect(plain.maxTokens == 16 && plain.input == .text(.text("hi")) && plain.logprobs == nil)
  }

  @Test("everything that is read is read")
  func everything() throws {
    let body = try read(
      chat(
        #"""
        "max_completion_tokens": 7, "max_tokens": 7, "temperature": 0, "top_p": 0.5, "top_k": 40,
        "min_p": 0.1, "repetition_penalty": 1.1, "frequency_penalty": -2, "presence_penalty": 2.0,
        "logit_bias": {"0": -100, "50256": 1.5}, "n": 3, "best_of": 3, "stop": ["a", "\n"],
        "seed": -9223372036854775808, "stream": true, "stream_options": {"include_usage": true},
        "logprobs": true, "top_logprobs": 20, "user": "u", "lora": [{"id": 0, "scale": 0.5}, {"id": 1, "scale": -1}]
        """#))
    var sampling = SamplingBody()
    sampling.temperature = 0
    sampling.topP = 0.5
    sampling.topK = 40
    sampling.minP = 0.1
    sampling.repetitionPenalty = 1.1
    sampling.frequencyPenalty = -2
    sampling.presencePenalty = 2
    sampling.logitBias = [0: -100, 50256: 1.5]
    sampling.seed = .min
    #expect(body.sampling == sampling)
    #expect(body.maxTokens == 7 && body.count == 3 && body.stop == ["a", "\n"])
    #expect(body.isStream && body.includesUsage && body.logprobs == 20 && body.user == "u")
    #expect(body.lora?.map(\.id) == [0, 1] && body.lora?.map(\.scale) == [0.5, -1])
    #expect(try read(chat(#""logprobs": true"#)).logprobs == 0)
    #expect(try read(chat(#""logprobs": false"#)).logprobs == nil)
    #expect(try read(chat(#""top_k": -1"#)).sampling.topK == nil)
    #expect(try read(chat(#""top_k": 0, "stop": "x""#)).stop == ["x"])
    let scored = try read(text(#""echo": true, "max_tokens": 1, "logprobs": 5"#), .text)
    #expect(scored.echo && scored.maxTokens == 1 && scored.logprobs == 5)
  }

  @Test("messages: texts, parts a line each, names, and 'developer' as 'system'")
  func messages() throws {
    let body = try read(
      #"""
      {"model": "acme/support@3", "messages": [
        {"role": "developer", "content": "be brief"},
        {"role": "user", "content": [{"type": "text", "text": "a"}, {"type": "text", "text": ""}, {"type": "text", "text": "b"}], "name": "ann"},
        {"role": "assistant", "content": "", "refusal": null, "tool_calls": [], "audio": null, "annotations": []},
        {"role": "user", "content": "ok"}]}
      """#)
    #expect(
      body.input
        == .chat([
          ChatMessage(role: .system, content: "be brief"),
          ChatMessage(role: .user, content: "a\n\nb", name: "ann"),
          ChatMessage(role: .assistant, content: ""), ChatMessage(role: .user, content: "ok"),
        ]))
  }

  @Test(
    "prompts in their four forms",
    arguments: [
      (#""a""#, Prompts.text("a"), 1), (#"["a", "b"]"#, .texts(["a", "b"]), 2),
      ("[1, 2]", .tokens([1, 2]), 1), ("[[1], [2, 0]]", .tokenLists([[1], [2, 0]]), 2),
    ])
  func prompts(json: String, prompts: Prompts, count: Int) throws {
    let body = try read(#"{"model": "m", "prompt": \#(json)}"#, .text)
    #expect(body.input == .text(prompts) && prompts.count == count)
  }

  @Test(
    "what is wrong is a 400 that names the parameter",
    arguments: [
      (#""temperature": "hot""#, "temperature", "must be a number, not a string"),
      (#""temperature": 2.01"#, "temperature", "must be from 0 to 2, not 2.01"),
      (#""temperature": -1"#, "temperature", "must be from 0 to 2, not -1"),
      (#""top_p": 1.5"#, "top_p", "from 0 to 1"), (#""top_k": -2"#, "top_k", "at least -1"),
      (#""min_p": true"#, "min_p", "must be a number, not true or false"),
      (#""repetition_penalty": 0"#, "repetition_penalty", "from 0.01 to 2"),
      (#""frequency_penalty": 3"#, "frequency_penalty", "from -2 to 2"),
      (#""presence_penalty": -3"#, "presence_penalty", "from -2 to 2"),
      (#""max_tokens": 0"#, "max_tokens", "at least 1, not 0"),
      (#""max_tokens": 1.5"#, "max_tokens", "must be an integer, not a number"),
      (#""max_tokens": 1000000000000"#, "max_tokens", "must be at most 2147483647"),
      (#""max_tokens": 5, "max_completion_tokens": 6"#, "max_completion_tokens", "the same"),
      (#""n": 0"#, "n", "from 1 to 128"), (#""n": 129"#, "n", "from 1 to 128, not 129"),
      (#""n": 2, "best_of": 3"#, "best_of", "as many as 'n' (2)"),
      (#""seed": "x""#, "seed", "must be an integer"),
      (#""seed": 1e30"#, "seed", "an integer of 64 bits"),
      (#""stop": ["a", 1]"#, "stop[1]", "must be a string"),
      (#""stop": "" "#, "stop", "1 to 1024 bytes"), (#""stop": {}"#, "stop", "must be a list"),
      (
        #""stop": ["a","a","a","a","a","a","a","a","a","a","a","a","a","a","a","a","a"]"#, "stop",
        "16"
      ),
      (#""stream": "yes""#, "stream", "must be true or false"),
      (#""stream_options": {"include_usage": true}"#, "stream_options", "'stream': true"),
      (
        #""stream": true, "stream_options": {"include_usag": true}"#, "stream_options.include_usag",
        "did you mean 'stream_options.include_usage'?"
      ),
      (#""stream": true, "stream_options": 1"#, "stream_options", "must be an object"),
      (#""logprobs": 5"#, "logprobs", "must be true or false, not an integer"),
      (#""top_logprobs": 5"#, "top_logprobs", "goes with 'logprobs': true"),
      (#""logprobs": true, "top_logprobs": 21"#, "top_logprobs", "from 0 to 20"),
      (#""logit_bias": {"x": 1}"#, "logit_bias", "not 'x'"),
      (#""logit_bias": {"07": 1}"#, "logit_bias", "not '07'"),
      (#""logit_bias": {"-1": 1}"#, "logit_bias", "not '-1'"),
      (#""logit_bias": {"7": 101}"#, "logit_bias.7", "from -100 to 100"),
      (#""logit_bias": [1]"#, "logit_bias", "must be an object"),
      (#""user": 7"#, "user", "must be a string"), (#""lora": 1"#, "lora", "must be a list"),
      (#""lora": [{"id": 0}]"#, "lora[0].scale", "is missing"),
      (#""lora": [{"id": -1, "scale": 1}]"#, "lora[0].id", "at least 0"),
      (#""lora": [{"id": 1, "scale": 1}, {"id": 1, "scale": 2}]"#, "lora[1].id", "1 again"),
      (
        #""max_token": 5"#, "max_token",
        "there is no parameter 'max_token'; did you mean 'max_tokens'?"
      ),
      (#""temprature": 0"#, "temprature", "did you mean 'temperature'?"),
      (#""Stop": "a""#, "Stop", "did you mean 'stop'?"),
    ])
  func wrong(members: String, param: String, part: String) throws {
    let error = try #require(refusal(chat(members)))
    #expect(error.status == 400 && error.kind == .invalidRequest)
    #expect(error.param == param && error.message.contains(part), "\(error)")
    #expect(error.message.contains("'\(param)'"), "\(error)")
    #expect(error.code != nil)
  }

  @Test(
    "what would change the answer and is not supported is refused by name",
    arguments: [
      #""tools": [{"type": "function"}]"#, #""tool_choice": "auto""#, #""functions": [{}]"#,
      #""function_call": "auto""#, #""response_format": {"type": "json_object"}"#,
      #""response_format": {"type": "text", "strict": true}"#, #""audio": {}"#,
      #""modalities": ["text", "audio"]"#, #""prediction": {}"#, #""web_search_options": {}"#,
      #""reasoning_effort": "high""#, #""json_schema": {}"#, #""grammar": "root ::= x""#,
      #""suffix": "x""#, #""echo": true"#, #""prompt": "x""#, #""guided_regex": "a""#,
      #""min_tokens": 3"#, #""ignore_eos": true"#, #""mirostat": 2"#,
      #""lora_path": "a""#, #""adapters": "a""#, #""adapter_id": "a""#, #""n_predict": 3"#,
      #""include_stop_str_in_output": true"#, #""allowed_token_ids": [5]"#,
      #""skip_special_tokens": false"#, #""return_token_ids": true"#, #""top_n_sigma": 1"#,
    ])
  func unsupported(members: String) throws {
    let name = String(members.split(separator: "\"")[0])
    let error = try #require(refusal(chat(members)))
    #expect(error.status == 400 && error.param == name && error.code == "unsupported_parameter")
    #expect(error.message.hasPrefix("'\(name)' is not supported here; leave it out"), "\(error)")
  }

  @Test("what asks for what is done anyway, or changes no word, is taken")
  func harmless() throws {
    let plain = try read(chat(""))
    for members in [
      #""tools": [], "tool_choice": "none", "functions": [], "response_format": {"type": "text"}"#,
      #""modalities": ["text"], "reasoning_effort": "none", "suffix": "", "echo": false"#,
      #""metadata": {"a": "b"}, "store": true, "service_tier": "auto", "prompt_cache_key": "k""#,
      #""safety_identifier": "s", "parallel_tool_calls": true, "min_tokens": 0, "typical_p": 1.0"#,
      #""skip_special_tokens": true, "n_predict": -1, "lora_path": null, "allowed_token_ids": []"#,
      #""something_of_a_later_year": {"deep": [1]}, "x": 1, "": 2"#,
    ] {
      #expect(try read(chat(members)) == plain, "\(members)")
    }
  }

  @Test(
    "messages that are none, or hold what we cannot read, are refused by their place",
    arguments: [
      ("[]", "messages", "is empty"), ("{}", "messages", "must be a list"),
      ("[1]", "messages[0]", "must be an object, not an integer"),
      (#"[{"content": "a"}]"#, "messages[0].role", "is missing"),
      (#"[{"role": "user"}]"#, "messages[0].content", "is missing"),
      (#"[{"role": "user", "content": null}]"#, "messages[0].content", "is null"),
      (#"[{"role": "user", "content": 1}]"#, "messages[0].content", "a string or a list of parts"),
      (#"[{"role": "user", "content": []}]"#, "messages[0].content", "parts"),
      (#"[{"role": "user", "content": ["a"]}]"#, "messages[0].content[0]", "an object"),
      (
        #"[{"role": "user", "content": [{"type": "text", "text": "a"}, {"type": "image_url", "image_url": {"url": "x"}}]}]"#,
        "messages[0].content[1].type", "parts of type 'image_url' are not supported here; send text"
      ),
      (
        #"[{"role": "user", "content": [{"type": "text"}]}]"#, "messages[0].content[0].text",
        "missing"
      ),
      (#"[{"role": "tool", "content": "a"}]"#, "messages[0].role", "tools"),
      (#"[{"role": "robot\u0007", "content": "a"}]"#, "messages[0].role", "not 'robot?'"),
      (#"[{"role": "user", "content": "a", "name": 1}]"#, "messages[0].name", "a string"),
      (
        #"[{"role": "user", "content": "a"}, {"role": "assistant", "content": "", "tool_calls": [{}]}]"#,
        "messages[1].tool_calls", "not supported"
      ),
    ])
  func wrongMessages(json: String, param: String, part: String) throws {
    let error = try #require(refusal(#"{"model": "m", "messages": \#(json)}"#))
    #expect(error.status == 400 && error.param == param && error.message.contains(part), "\(error)")
  }

  @Test(
    "prompts that are none are refused by their place",
    arguments: [
      ("[]", "prompt", "is empty"), ("{}", "prompt", "a list of strings"),
      ("1", "prompt", "string"),
      (#"["a", 1]"#, "prompt[1]", "a string"), (#"[1, "a"]"#, "prompt[1]", "a token's number"),
      ("[-1]", "prompt[0]", "a token's number, not -1"), ("[1.5]", "prompt[0]", "not a number"),
      ("[4294967296]", "prompt[0]", "4294967296"), ("[[]]", "prompt[0]", "at least one token"),
      ("[[1], 2]", "prompt[1]", "a list of tokens"), (#"[[1], ["a"]]"#, "prompt[1][0]", "number"),
    ])
  func wrongPrompts(json: String, param: String, part: String) throws {
    let error = try #require(refusal(#"{"model": "m", "prompt": \#(json)}"#, .text))
    #expect(error.status == 400 && error.param == param && error.message.contains(part), "\(error)")
  }

  @Test("what is too much is refused: messages, prompts, answers, members, names, nesting")
  func bounds() throws {
    func many(_ count: Int, _ element: String) -> String {
      "[" + Array(repeating: element, count: count).joined(separator: ",") + "]"
    }
    let message = #"{"role":"user","content":"a"}"#
    #expect(refusal(#"{"model": "m", "messages": \#(many(2_048, message))}"#) == nil)
    #expect(
      refusal(#"{"model": "m", "messages": \#(many(2_049, message))}"#)?.param == "messages")
    #expect(refusal(#"{"model": "m", "prompt": \#(many(2_048, #""a""#))}"#, .text) == nil)
    #expect(
      refusal(#"{"model": "m", "prompt": \#(many(2_049, #""a""#))}"#, .text)?.param == "prompt")
    #expect(
      refusal(#"{"model": "m", "n": 2, "prompt": \#(many(1_025, #""a""#))}"#, .text)?.param == "n")
    // A prompt of tokens is one prompt, however long.
    #expect(refusal(#"{"model": "m", "prompt": \#(many(100_000, "1"))}"#, .text) == nil)
    let members = (0..<300).map { "\"member \($0)\": 1" }.joined(separator: ",")
    #expect(refusal(chat(members))?.message.contains("256") == true)
    let biases = (0..<1_025).map { "\"\($0)\": 1" }.joined(separator: ",")
    #expect(refusal(chat("\"logit_bias\": {\(biases)}"))?.param == "logit_bias")
    let long = String(repeating: "m", count: 513)
    #expect(refusal(#"{"model": "\#(long)", "messages": [\#(message)]}"#)?.param == "model")
    let typo = "max_tokens" + String(repeating: "x", count: 1_000_000)
    #expect(refusal(chat("\"\(typo)\": 1")) == nil)
    let deep = String(repeating: "[", count: 100_000)
    #expect(
      refusal(chat("\"metadata\": \(deep)"))?.message.contains("the body is not JSON") == true)
    #expect(refusal(#"{"messages": [\#(message)]}"#)?.message == "'model' is missing")
    for body in ["", "{", "[]", "1", "nul", #"{"model": "a", "model": "b"}"#, "\u{FF}"] {
      let error = try #require(refusal(body))
      #expect(error.status == 400 && error.message.hasPrefix("the body"), "\(error)")
    }
  }
}
