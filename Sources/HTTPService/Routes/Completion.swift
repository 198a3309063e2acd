import Digests
import Foundation
import JSON
import Lorikeet
import Serving
import Synchronization
import Tokenizers

/// The answers to one request, on their way from the engine to the client: gathered, or piece by piece.
final class Completion: Sendable {
  private struct Part {
    var text = ""
    var tokens: [AnswerToken] = []
    /// Unicode scalars of the tokens told so far.
    var offset = 0
    var result: GenerateResult?
  }

  private struct State {
    var parts: [Part]
    var ids: [Int] = []
    var stream: HTTPStream?
    var isOver = false
    var isGone = false
  }

  private let http: HTTPService
  private let call: Call
  private let body: CompletionBody
  private let model: ServedModel
  private let writer: CompletionWriter
  private let state: Mutex<State>

  init(
    _ http: HTTPService, _ call: Call, _ body: CompletionBody, _ model: ServedModel,
    _ route: CompletionRoute
  ) {
    self.http = http
    self.call = call
    self.body = body
    self.model = model
    writer = CompletionWriter(
      route: route, id: (route == .chat ? "chatcmpl-" : "cmpl-") + call.id,
      created: Int(Date().timeIntervalSince1970), model: model.name,
      fingerprint: model.fingerprint, includesUsage: body.includesUsage)
    let count = body.prompts.count * body.count
    state = Mutex(State(parts: [Part](repeating: Part(), count: count)))
  }

  private var headers: [(name: String, value: String)] {
    [("x-adapter-version", model.name), ("x-adapter-digest", model.digest.hex)]
  }

  /// Puts all of it in the engine's queue; where a part is impossible the others are taken back.
  func start() throws {
    let limits = http.service.options.limits
    let most = limits.streams + limits.waiting
    guard body.prompts.count * body.count <= most else {
      throw APIError(
        .invalidRequest,
        "these are \(body.prompts.count * body.count) answers at once; this server takes \(most) at most: send several requests",
        param: body.count > 1 ? "n" : "prompt", code: "invalid_value")
    }
    if body.echo, body.logprobs != nil {
      throw APIError(
        .invalidRequest, "'echo' goes without 'logprobs': those of a prompt are not made",
        param: "echo", code: "unsupported_parameter")
    }
    call.exchange.onDisconnect { [weak self] in self?.leave() }
    do {
      // All of them first: a stream that begins tells them all.
      if body.echo { try echo() }
      for (place, prompt) in body.prompts.enumerated() {
        let tokens = try http.service.answerable(prompt, for: model)
        for answer in 0..<body.count {
          guard try submit(tokens, place * body.count + answer, answer) else { return }
        }
      }
    } catch { fail(APIError(error)) }
  }

  /// Puts each prompt before its answers.
  private func echo() throws {
    for (place, prompt) in body.prompts.enumerated() {
      let text =
        switch prompt {
        case .text(let text): text
        default: try http.service.text(of: http.service.answerable(prompt, for: model))
        }
      state.withLock { state in
        for answer in 0..<body.count { state.parts[place * body.count + answer].text = text }
      }
    }
  }

  /// Puts an answer to a prompt in the engine's queue; whether more of them are wanted.
  private func submit(_ prompt: [Token], _ index: Int, _ answer: Int) throws -> Bool {
    var request = ServiceRequest(model, .tokens(prompt))
    request.maximumTokens = body.maxTokens
    request.sampler = body.sampler(answer)
    request.stopTexts = body.stop
    request.topChoices = body.logprobs
    request.tenant = call.key?.name ?? model.version?.adapter ?? ""
    let id = try http.service.submit(request) { [self] event in receive(index, event) }
    let isWanted = state.withLock { state in
      state.ids.append(id)
      return !state.isGone && !state.isOver
    }
    // An answer that is complete already is not there to be cancelled.
    if !isWanted { http.service.cancel(id) }
    return isWanted
  }

  /// The client has left: nothing of this is wanted any more.
  private func leave() {
    let ids = state.withLock { state in
      state.isGone = true
      return state.ids
    }
    for id in ids { http.service.cancel(id) }
  }

  private func receive(_ index: Int, _ event: GenerateEvent) {
    switch event {
    case .text(let text, let choices): tell(index, text, choices.map(http.token))
    case .failed(let error, let result):
      spend(result, on: index)
      if error.code != .badAdapter { return fail(APIError(error)) }
      // It asks the registry and reads the prompts once more: not on the engine's thread.
      http.aside { [self] in if !beginAnew() { fail(APIError(error)) } }
    case .finished(let result, let times): finish(index, result, times)
    }
  }

  private func tell(_ index: Int, _ text: String, _ tokens: [AnswerToken]) {
    guard body.isStream else {
      state.withLock { state in
        state.parts[index].text += text
        state.parts[index].tokens += tokens
      }
      return
    }
    let (bytes, stream) = state.withLock { state -> ([UInt8], HTTPStream?) in
      guard !state.isOver else { return ([], nil) }
      var bytes = begin(&state, index)
      bytes += CompletionWriter.event(
        writer.piece(
          index, text: text, tokens: body.logprobs == nil ? nil : tokens,
          offset: state.parts[index].offset))
      state.parts[index].offset += tokens.letterCount
      return (bytes, state.stream)
    }
    stream?.write(bytes)
  }

  /// Opens the stream with the first word of any answer.
  private func begin(_ state: inout State, _ index: Int) -> [UInt8] {
    if state.stream != nil { return [] }
    state.stream = call.stream(headers: headers)
    var bytes: [UInt8] = []
    for part in state.parts.indices {
      if let first = writer.first(part) { bytes += CompletionWriter.event(first) }
      let echoed = state.parts[part].text
      if !echoed.isEmpty { bytes += CompletionWriter.event(writer.piece(part, text: echoed)) }
    }
    return bytes
  }

  private func finish(_ index: Int, _ result: GenerateResult, _ times: GenerateTimes) {
    http.metrics.count(result, times, model: model)
    spend(result, on: index)
    if result.finish == .cancelled {
      // 499 is nginx's number for a client that left: nobody sees it but the log.
      let isGone = state.withLock { $0.isGone }
      return fail(
        isGone
          ? APIError(.invalidRequest, "the client left before the answer was complete", status: 499)
          : APIError(.server, "the server stopped before the answer was complete", status: 503))
    }
    let reason: FinishReason = result.finish == .stop ? .stop : .length
    let (bytes, stream, isLast) = state.withLock { state -> ([UInt8], HTTPStream?, Bool) in
      guard !state.isOver else { return ([], nil, false) }
      state.parts[index].result = result
      let isLast = state.parts.allSatisfy { $0.result != nil }
      state.isOver = isLast
      guard body.isStream else { return ([], nil, isLast) }
      var bytes = begin(&state, index)
      bytes += CompletionWriter.event(writer.last(index, reason))
      if isLast {
        if let usage = writer.usage(usage(state)) { bytes += CompletionWriter.event(usage) }
        bytes += CompletionWriter.done
      }
      return (bytes, state.stream, isLast)
    }
    guard isLast else {
      stream?.write(bytes)
      return
    }
    let tokens = state.withLock { usage($0).completion }
    call.note(model: model.name, tokens: tokens)
    if let stream {
      call.end(200)
      stream.write(bytes)
      stream.finish()
    } else {
      http.aside { [self] in respond() }
    }
    state.withLock { $0.stream = nil }
  }

  /// Counts an answer's tokens for the key, and those of a prompt once, however many answers it has.
  private func spend(_ result: GenerateResult, on index: Int) {
    let prompt = index % body.count == 0 ? result.promptTokens : 0
    http.access.spend(prompt + result.tokens.count, by: call.key)
  }

  private func respond() {
    let whole = state.withLock { state in
      writer.whole(
        state.parts.map { part in
          CompletedAnswer(
            text: part.text, finish: part.result?.finish == .stop ? .stop : .length,
            tokens: body.logprobs == nil ? nil : part.tokens)
        }, usage: usage(state))
    }
    call.respond(.json(whole, headers: headers))
  }

  private func usage(_ state: State) -> TokenUsage {
    let results = state.parts.compactMap(\.result)
    // A prompt counts once, however many answers it has.
    let prompts = stride(from: 0, to: state.parts.count, by: body.count)
      .compactMap { state.parts[$0].result }
    return TokenUsage(
      prompt: prompts.reduce(0) { $0 + $1.promptTokens },
      completion: results.reduce(0) { $0 + $1.tokens.count },
      cached: prompts.reduce(0) { $0 + $1.cachedTokens })
  }

  /// Begins anew where the version was removed after it was looked up and before it was in memory: with what the name
  /// leads to now. Whether there is nothing more to do here.
  private func beginAnew() -> Bool {
    do {
      let fresh = try http.model(of: body, for: call)
      guard fresh.digest != model.digest, let ids = takenBack() else { return false }
      for id in ids { http.service.cancel(id) }
      call.note(model: fresh.name)
      try Completion(http, call, body, fresh, writer.route).start()
    } catch { fail(APIError(error)) }
    return true
  }

  /// Ends this without a word, where none has been said; the requests that are to be cancelled.
  private func takenBack() -> [Int]? {
    state.withLock { state in
      guard !state.isOver, state.stream == nil else { return nil }
      state.isOver = true
      return state.ids
    }
  }

  /// Ends with an error: as the response, or as the last event of a stream that has begun.
  private func fail(_ error: APIError) {
    let (isFirst, stream, ids) = state.withLock { state -> (Bool, HTTPStream?, [Int]) in
      defer { (state.isOver, state.stream) = (true, nil) }
      return (!state.isOver, state.stream, state.ids)
    }
    guard isFirst else { return }
    for id in ids { http.service.cancel(id) }
    if let stream {
      call.end(error.status)
      stream.write(CompletionWriter.event(error.json))
      stream.finish()
    } else {
      call.respond(error.response)
    }
  }
}
