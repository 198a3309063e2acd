import Adapters
import Digests
import Models
import Tensors
import Tokenizers

/// A request in flight: its cache, what is still to be fed, and what has come out.
struct RunningRequest {
  let id: Int
  let request: GenerateRequest
  var sequence: DecodingSequence
  private var sampler: Sampler
  private var decoder: DecodingStream
  private var stops: StopMatcher
  private(set) var result = GenerateResult()
  private(set) var isFinished = false

  init(id: Int, request: GenerateRequest, cache: KeyValueCache, tokenizer: Tokenizer) {
    self.id = id
    self.request = request
    sequence = DecodingSequence(cache: cache, pending: request.prompt)
    sampler = Sampler(request.sampler, prompt: request.prompt)
    decoder = tokenizer.makeDecodingStream(skipSpecialTokens: true)
    stops = StopMatcher(request.stopTexts)
    result.promptTokens = request.prompt.count
  }

  /// The adapter's digest; nil for the base.
  var adapterDigest: Digest? { request.adapter?.adapter.digest }

  /// Tokens of the prompt that are still to be fed.
  var remainingPrompt: Int { max(0, request.prompt.count - sequence.cache.count) }

  /// Counts `tokens` of the prompt as given: they are in the cache.
  mutating func skip(_ tokens: Int) {
    sequence.pending.removeFirst(tokens)
    result.cachedTokens += tokens
  }

  /// Takes the next token.
  /// - Parameters:
  ///   - likeliest: The token of the largest logit.
  ///   - logits: All of them, `(1, vocabulary)`.
  /// - Returns: The text to stream and the choice that was made.
  mutating func advance(likeliest: Token, contextLength: Int, logits: Matrix) -> (
    String, [TokenChoice]
  ) {
    let token = sampler.next(logits, likeliest: likeliest)
    var choice: [TokenChoice] = []
    if let count = request.topChoices {
      choice = [TokenChoice(token, logits, likeliest: likeliest, count: count)]
    }
    guard !request.stopTokens.contains(token) else { return (finish(.stop), []) }
    result.tokens.append(token)
    result.choices += choice
    sequence.pending = [token]
    var text = stops.feed(decoder.push(token))
    result.text += text
    if stops.hasStopped {
      text += finish(.stop)
    } else if result.tokens.count >= request.maximumTokens
      || sequence.cache.count >= contextLength
    {
      text += finish(.length)
    }
    return (text, choice)
  }

  /// Ends the answer; returns the text that was held back.
  @discardableResult
  mutating func finish(_ reason: GenerateResult.Finish) -> String {
    guard !isFinished else { return "" }
    isFinished = true
    result.finish = reason
    let last = stops.feed(decoder.finish()) + stops.finish()
    result.text += last
    return last
  }
}
