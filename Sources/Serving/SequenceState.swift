import Models
import Tokenizers

/// A request in flight: its cache, what is still to be fed, and what has come out.
struct SequenceState {
  let index: Int
  let request: GenerateRequest
  var sequence: DecodingSequence
  var sampler: Sampler
  var decoder: DecodingStream
  var stops: StopMatcher
  var result = GenerateResult()
  var isFinished = false

  init(index: Int, request: GenerateRequest, model: Model, tokenizer: Tokenizer) {
    self.index = index
    self.request = request
    sequence = DecodingSequence(
      cache: model.makeCache(capacity: request.prompt.count + min(request.maximumTokens, 64)),
      pending: request.prompt)
    sampler = Sampler(request.sampler)
    decoder = tokenizer.makeDecodingStream(skipSpecialTokens: true)
    stops = StopMatcher(request.stopTexts)
    result.promptTokens = request.prompt.count
  }

  /// Takes the next token's logits; returns the text to stream.
  mutating func advance(_ logits: [Float]) -> String {
    let token = sampler.next(logits, history: request.prompt + result.tokens)
    guard !request.stopTokens.contains(token) else { return finish(.stop) }
    result.tokens.append(token)
    sequence.pending = [token]
    let text = stops.feed(decoder.push(token))
    result.text += text
    if stops.hasStopped { return text + finish(.stop) }
    return result.tokens.count >= request.maximumTokens ? text + finish(.length) : text
  }

  /// Ends the answer; returns the text that was held back.
  mutating func finish(_ reason: GenerateResult.Finish) -> String {
    isFinished = true
    result.finish = reason
    let last = stops.feed(decoder.finish()) + stops.finish()
    result.text += last
    return last
  }
}
