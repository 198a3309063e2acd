import Foundation
import Testing
import Tokenizers

/// One small tokenizer.json, of which single parts are replaced.
private func file(_ pattern: String, _ replacement: String) -> Data {
  let whole = """
    {"version": "1.0", "added_tokens": [{"id": 4, "content": "<s>", "special": true}],
     "normalizer": null,
     "pre_tokenizer": {"type": "ByteLevel", "add_prefix_space": false, "use_regex": true},
     "post_processor": null, "decoder": {"type": "ByteLevel"},
     "model": {"type": "BPE", "vocab": {"a": 0, "b": 1, "ab": 2, "aba": 3}, "merges": ["a b", "ab a"]}}
    """
  precondition(pattern.isEmpty || whole.contains(pattern), "nothing to replace: \(pattern)")
  return Data(whole.replacingOccurrences(of: pattern, with: replacement).utf8)
}

private func refusal(_ data: Data, configuration: String? = nil) -> TokenizerError? {
  do {
    _ = try Tokenizer.load(
      tokenizerJSON: data, configuration: configuration.map { Data($0.utf8) })
    return nil
  } catch { return error }
}

@Suite("Hostile tokenizer files")
struct HostileFileTests {
  @Test("The small file is fine as it is")
  func fine() throws {
    let tokenizer = try Tokenizer.load(tokenizerJSON: file("", ""))
    #expect(tokenizer.encode("aba<s>b?", addSpecialTokens: false) == [3, 4, 1])
  }

  @Test(
    "One clear error for each flaw",
    arguments: [
      ("\"version\": \"1.0\"", "\"version\": \"2.0\"", "version '2.0'"),
      ("\"ab a\"", "\"ab c\"", "merge 1 names 'c'"),
      ("\"ab a\"", "\"b a\"", "merge 1 names 'ba'"),
      ("\"ab a\"", "\"aba\"", "merge 1 'aba' is not two parts"),
      ("\"ab a\"", "\"a b a\"", "is not two parts"),
      ("\"ab a\"", "[\"ab\"]", "entry 1 is neither a string nor a pair"),
      ("\"ab a\"", "[\"ab\", [\"a\"]]", "entry 1 is neither a string nor a pair"),
      ("\"ab a\"", "[[], []]", "holds something else than a string"),
      ("\"ab a\"", "7", "entry 1 is neither a string nor a pair"),
      ("\"aba\": 3", "\"aba\": 2", "'ab' and 'aba' share the id 2"),
      ("\"aba\": 3", "\"ab\": 3", "token 'ab' has two ids, 2 and 3"),
      ("\"aba\": 3", "\"aba\": -1", "outside 0..<4194304"),
      ("\"aba\": 3", "\"aba\": 4194304", "outside 0..<4194304"),
      ("\"aba\": 3", "\"aba\": 99999999999999999999", "an id that is not an integer"),
      ("\"aba\": 3", "\"aba\": 3.5", "an id that is not an integer"),
      ("\"aba\": 3", "\"aba\": \"3\"", "an id that is not an integer"),
      ("\"aba\": 3", "\"\\ud800\": 3", "a bad escape"),
      ("\"aba\": 3", "\"\\q\": 3", "a bad escape"),
      ("\"aba\": 3", "\"aba\": {\"x\": 1}", "an id that is not an integer"),
      ("\"type\": \"BPE\"", "\"type\": \"Unigram\"", "model type 'Unigram'"),
      ("\"type\": \"BPE\"", "\"dropout\": 0.1", "dropout"),
      ("\"type\": \"BPE\"", "\"end_of_word_suffix\": \"</w>\"", "'</w>'"),
      ("\"type\": \"BPE\"", "\"unk_token\": \"?\"", "'?' is not in the vocabulary"),
      ("\"type\": \"BPE\"", "\"ignore_merges\": 1", "is not true or false"),
      ("\"type\": \"BPE\"", "\"byte_fallback\": true", "byte_fallback"),
      ("\"merges\": [\"a b\", \"ab a\"]", "\"merges\": {}", "is not an array"),
      (", \"merges\": [\"a b\", \"ab a\"]", "", "model has no 'merges'"),
      ("\"vocab\": {\"a\": 0, \"b\": 1, \"ab\": 2, \"aba\": 3},", "", "model has no 'vocab'"),
      ("\"model\"", "\"modell\"", "has no 'model'"),
      ("\"normalizer\"", "\"version\"", "the key 'version' twice"),
      (
        "\"normalizer\": null", "\"normalizer\": {\"type\": \"BertNormalizer\"}", "'BertNormalizer'"
      ),
      ("\"normalizer\": null", "\"normalizer\": {}", "normalizer has no 'type'"),
      (
        "\"normalizer\": null",
        "\"normalizer\": {\"type\": \"Replace\", \"pattern\": {\"String\": \"\"}, \"content\": \"\"}",
        "is empty"
      ),
      (
        "\"type\": \"ByteLevel\", \"add_prefix_space\": false",
        "\"type\": \"Split\", \"pattern\": {\"Regex\": \"x+\"}, \"behavior\": \"Isolated\"",
        "split pattern 'x+'"
      ),
      ("\"type\": \"ByteLevel\", \"add", "\"type\": \"Whitespace\", \"add", "'Whitespace'"),
      ("\"post_processor\": null", "\"post_processor\": {\"type\": \"X\"}", "post-processor 'X'"),
      (
        "\"post_processor\": null",
        "\"post_processor\": {\"type\": \"RobertaProcessing\", \"sep\": [\"b\", 1], \"cls\": [\"z\", 9]}",
        "no token has the id 9"
      ),
      ("{\"type\": \"ByteLevel\"}", "{\"type\": \"WordPiece\"}", "decoder 'WordPiece'"),
      ("\"id\": 4", "\"id\": 1", "id 1 of 'b'"),
      ("\"id\": 4", "\"id\": -4", "outside 0..<4194304"),
      ("\"content\": \"<s>\"", "\"content\": \"ab\"", "'ab' has the id 4 here and 2"),
      (
        "\"special\": true}", "\"special\": true}, {\"id\": 5, \"content\": \"<s>\"}",
        "a second time"
      ),
      ("\"special\": true}", "\"special\": true}, {\"id\": 4, \"content\": \"<t>\"}", "the id 4"),
    ])
  func flaws(pattern: String, replacement: String, message: String) throws {
    let error = try #require(refusal(file(pattern, replacement)))
    #expect(error.message.contains(message), "\(error.message)")
  }

  @Test(
    "What is no JSON is refused, with the place",
    arguments: [
      "", " ", "{", "[1,]", "{\"a\"}", "{\"a\":}", "{\"a\":1,}", "nul", "\"abc", "1 2", "[1 2]",
      "+", "\"\u{1}\"",
      String(repeating: "[", count: 100_000), String(repeating: "{\"a\":", count: 1000),
    ])
  func notJSON(text: String) throws {
    let error = try #require(refusal(Data(text.utf8)))
    #expect(error.code == .malformed && error.message.contains("is not valid JSON"))
  }

  @Test("What would make texts or the search in them explode is refused")
  func explosions() {
    let long = String(repeating: "x", count: 1000)
    let replace =
      "{\"type\": \"Replace\", \"pattern\": {\"String\": \"a\"}, \"content\": \"aaaaaaaaa\"}"
    let normalizer = "\"normalizer\": {\"type\": \"Sequence\", \"normalizers\": ["
    let digits = "{\"type\": \"Digits\"}"
    let many = Array(repeating: digits, count: 20).joined(separator: ",")
    let files = [
      file("\"normalizer\": null", normalizer + replace + "," + replace + "]}"),
      file(
        "\"normalizer\": null",
        "\"normalizer\": {\"type\": \"Prepend\", \"prepend\": \"\(long)\"}"),
      file("\"content\": \"<s>\"", "\"content\": \"\(long)\""),
      file(
        "{\"type\": \"ByteLevel\"}",
        "{\"type\": \"Sequence\", \"decoders\": [\(replace), \(replace)]}"),
      file(
        "{\"type\": \"ByteLevel\", \"add_prefix_space\": false, \"use_regex\": true}",
        "{\"type\": \"Sequence\", \"pretokenizers\": [\(many)]}"),
    ]
    for file in files { #expect(refusal(file)?.code == .tooLarge) }
  }

  @Test("Added white space that takes the white space around it costs no quadratic time")
  func greedySpace() throws {
    let spaces = String(repeating: " ", count: 300_000)
    for (flags, count) in [("\"rstrip\": true", 300_000), ("\"lstrip\": true", 300_000)] {
      let tokenizer = try Tokenizer.load(
        tokenizerJSON: file("\"content\": \"<s>\"", "\"content\": \" \", " + flags))
      let ids = tokenizer.encode(spaces, addSpecialTokens: false)
      #expect(ids == Array(repeating: 4, count: count))
    }
    let both = try Tokenizer.load(
      tokenizerJSON: file(
        "\"content\": \"<s>\"", "\"content\": \" \", \"lstrip\": true, \"rstrip\": true"))
    #expect(both.encode(spaces, addSpecialTokens: false) == [4])
    #expect(both.encode("a   b  ", addSpecialTokens: false) == [0, 4, 1, 4])
  }

  @Test("Bytes that are no UTF-8 are refused")
  func notUTF8() throws {
    var bytes = Array(file("", ""))
    bytes[4] = 0xff
    #expect(refusal(Data(bytes))?.message == "tokenizer.json is not valid UTF-8")
  }

  @Test("A file cut anywhere is refused")
  func cut() {
    let bytes = Array(file("", ""))
    for count in 0..<bytes.count { #expect(refusal(Data(bytes[..<count])) != nil, "\(count)") }
  }

  @Test("A begin or end token that the vocabulary does not hold is refused")
  func configuration() {
    let error = refusal(file("", ""), configuration: "{\"eos_token\": {\"content\": \"</s>\"}}")
    #expect(error?.code == .inconsistent)
    #expect(error?.message.contains("eos_token is '</s>'") == true)
    #expect(refusal(file("", ""), configuration: "[]")?.code == .malformed)
    #expect(refusal(file("", ""), configuration: "{\"bos_token\": 1}")?.code == .malformed)
  }
}

@Suite("Hostile GGUF vocabularies")
struct HostileVocabularyTests {
  private func refusal(_ change: (inout GGUFVocabulary) -> Void) -> TokenizerError? {
    var vocabulary = GGUFVocabulary(
      model: "gpt2", pre: "gpt-2", tokens: ["a", "b", "ab"], tokenTypes: [1, 1, 1],
      merges: ["a b"], endOfSequence: 2)
    change(&vocabulary)
    do {
      _ = try Tokenizer.load(vocabulary: vocabulary)
      return nil
    } catch { return error }
  }

  @Test("One clear error for each flaw")
  func flaws() {
    #expect(refusal { _ in } == nil)
    #expect(refusal { $0.pre = "viking" }?.message.contains("'viking'") == true)
    #expect(refusal { $0.model = "t5" }?.message.contains("'t5'") == true)
    #expect(refusal { $0.tokens = [] }?.code == .missing)
    #expect(refusal { $0.tokens[1] = "a" }?.code == .inconsistent)
    #expect(refusal { $0.tokenTypes = [1] }?.code == .inconsistent)
    #expect(refusal { $0.tokenTypes[0] = 77 }?.code == .unsupported)
    #expect(refusal { $0.merges = ["a  b"] }?.code == .malformed)
    #expect(refusal { $0.merges = ["a c"] }?.code == .inconsistent)
    #expect(refusal { $0.endOfSequence = 3 }?.code == .inconsistent)
    #expect(refusal { $0.beginOfSequence = -1 }?.code == .inconsistent)
    #expect(refusal { $0.model = "llama" }?.message.contains("scores") == true)
    #expect(
      refusal {
        $0.model = "llama"
        $0.scores = [0, .nan, 1]
      }?.message.contains("scores[1]") == true)
    #expect(
      refusal {
        $0.model = "llama"
        $0.scores = [0, 1, 2]
        $0.unknown = 9
      }?.code == .inconsistent)
    #expect(
      refusal {
        $0.model = "llama"
        $0.scores = [0, 1, 2]
        $0.tokens[0] = String(repeating: "a", count: 10_000)
      }?.code == .tooLarge)
  }
}
