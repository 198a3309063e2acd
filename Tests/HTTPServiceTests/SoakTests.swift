import Adapters
import Digests
import Foundation
import HTTPService
import JSON
import Lorikeet
import Registry
import Serving
import Synchronization
import Tensors
import Testing
import Tokenizers
import Toys

/// Many clients ask, listen and leave while aliases move and versions come and go; what they were told is checked against
/// what each version says alone.
///
/// `LORIKEET_SOAK_SECONDS` makes it longer, and larger from a minute on.
@Suite struct SoakTests {
  @Test func everyCompleteAnswerIsItsVersionsOwn() throws {
    let wanted = ProcessInfo.processInfo.environment["LORIKEET_SOAK_SECONDS"].flatMap { Double($0) }
    let seconds = wanted ?? 5
    let (clients, adapters) = seconds < 60 ? (16, 8) : (64, 32)
    let toy = try ToyService { options, _ in
      // Little enough that adapters and prefixes have to go for others now and then.
      options.memoryBytes = seconds < 60 ? 1_500_000 : 5_000_000
    }
    let soak = try Soak(toy, adapters: adapters)
    let swapper = try Registry(path: toy.registry.path, create: false, actor: "soak")
    soak.run(clients: clients, seconds: seconds, swapper: swapper)

    let told = soak.told
    for complaint in told.complaints.prefix(10) { Issue.record("\(complaint)") }
    #expect(told.answers.count > 100 && told.moves > 20 && told.left > 5 && told.missing > 0)
    let alone = try Alone(soak)
    var different = 0
    for answer in told.answers {
      let text = try alone.text(of: answer)
      guard answer.text != text else { continue }
      different += 1
      if different > 5 { continue }
      Issue.record(
        """
        \(answer.question.text()) by \(answer.version): \(answer.text), alone: \(text), where the two most likely \
        tokens were once \(alone.closest) apart
        """)
    }
    #expect(different == 0, "of \(told.answers.count) answers")
    let loop = toy.service.loop
    let isQuiet = eventually {
      let now = loop.statistics
      return now.running + now.waiting + now.loading == 0 && toy.http.connectionCount == 0
    }
    #expect(isQuiet, "\(loop.statistics), \(toy.http.connectionCount) connections")
    #expect(eventually { loop.adapters.residents.values.allSatisfy { $0 == 0 } })
    let isBalanced = eventually {
      loop.adapters.budget.used
        == loop.adapters.statistics.residentBytes + loop.statistics.prefixBytes
    }
    #expect(isBalanced, "\(loop.adapters.budget.used) bytes, \(loop.adapters.statistics)")
    print(
      "soak: \(told.answers.count) answers, \(told.left) clients left, \(told.moves) moves, "
        + "\(told.missing) not found, \(told.busy) told to come again, "
        + "\(loop.adapters.statistics.evictions) evictions")
  }
}

/// The clients, and who moves the aliases.
private final class Soak: Sendable {
  struct Answer {
    let question: JSONValue
    let version: String
    let digest: String
    let text: String
  }

  struct Told {
    var answers: [Answer] = []
    var complaints: [String] = []
    var left = 0
    var missing = 0
    var busy = 0
    var moves = 0
  }

  private struct State {
    var told = Told()
    var adapters: [String: Adapter] = [:]
    var nextSeed = 1
    var isOver = false
    var generator = SplitMix64(seed: 1)
  }

  let service: Service
  private let port: Int
  private let names: [String]
  private let state = Mutex(State())

  init(_ toy: ToyService, adapters: Int) throws {
    service = toy.service
    port = toy.http.port
    names = (0..<adapters).map { "soak/a\($0)" }
    for name in names { try publish(name, in: toy.registry, alias: "live") }
  }

  var told: Told { state.withLock { $0.told } }

  func adapter(_ digest: String) -> Adapter? { state.withLock { $0.adapters[digest] } }

  func run(clients: Int, seconds: Double, swapper: Registry) {
    let group = DispatchGroup()
    for number in 0..<clients {
      work(in: group) { [self] in
        var generator = SplitMix64(seed: UInt64(1000 + number))
        while !isOver { ask(&generator) }
      }
    }
    work(in: group) { [self] in
      while !isOver {
        do { try swap(in: swapper) } catch { complain("swap: \(error)") }
        usleep(50_000)
      }
    }
    Thread.sleep(forTimeInterval: seconds)
    state.withLock { $0.isOver = true }
    group.wait()
  }

  private var isOver: Bool { state.withLock { $0.isOver } }

  private func work(in group: DispatchGroup, _ body: @escaping @Sendable () -> Void) {
    group.enter()
    Thread {
      body()
      group.leave()
    }.start()
  }

  private func complain(_ text: String) { state.withLock { $0.told.complaints.append(text) } }

  private func publish(_ name: String, in registry: Registry, alias: String?) throws {
    let seed = state.withLock { state in
      state.nextSeed += 1
      return state.nextSeed
    }
    let adapter = try service.base.toyAdapter(seed)
    state.withLock { $0.adapters[adapter.digest.hex] = adapter }
    try registry.publishToy(adapter, as: name, alias: alias)
  }

  /// Moves an alias to a new version, or back, and removes what nobody names.
  private func swap(in registry: Registry) throws {
    let (name, turn) = state.withLock { state in
      let pick = Int(state.generator.next() % UInt64(names.count))
      state.told.moves += 1
      return (names[pick], state.told.moves)
    }
    let versions = try registry.versions(of: name)
    switch turn % 4 {
    case 0, 1: try publish(name, in: registry, alias: "live")
    case 2: try registry.setAlias("live", to: "\(name)@\(versions[versions.count - 1].number)")
    default: try publish(name, in: registry, alias: nil)
    }
    guard versions.count > 3 else { return }
    let live = Set(try registry.aliases(of: name).map(\.version))
    if let old = versions.last(where: { !live.contains($0.number) }) {
      try registry.removeVersion(old.reference)
    }
  }

  // MARK: A client

  private func ask(_ generator: inout SplitMix64) {
    func below(_ bound: Int) -> Int { Int(generator.next() % UInt64(bound)) }
    let name = names[below(names.count)]
    let model = [name, "\(name):live", "\(name)@\(1 + below(6))", name, "toy", "soak/none"][
      below(6)]
    let prompts = [
      "Say it", String(repeating: "A long beginning, the same for all. ", count: 4), "é",
    ]
    var more = JSONObject()
    if below(3) == 0 {
      more["temperature"] = 0.75
      more["seed"] = .int(below(2))
    }
    let (isStream, isChat) = (below(2) == 0, below(3) == 0)
    if isStream { more["stream"] = true }
    let make = isChat ? ToyService.chat : ToyService.question
    let question = make(model, prompts[below(3)], 8 + 40 * below(2), .object(more))
    do {
      let client = try TransportClient(port)
      client.request("POST", isChat ? "/v1/chat/completions" : "/v1/completions", question)
      if below(5) == 0 {
        // Leaves: at once, or in the middle of the answer.
        if below(2) == 0 { _ = try client.until("\r\n\r\n") }
        state.withLock { $0.told.left += 1 }
      } else if isStream {
        let head = try client.streamHead()
        guard head.status == 200 else {
          return refused(question, head.status, "\(head.head)")
        }
        let reply = try client.streamRest(head)
        guard reply.isDone, reply.finish() == "length" else {
          return complain("\(question.text()): a stream without an end: \(reply.events.suffix(1))")
        }
        answered(question, reply.head, reply.text())
      } else {
        let reply = try client.response()
        guard reply.status == 200, let text = reply.answer else {
          return refused(question, reply.status, reply.text)
        }
        answered(question, reply.head, text)
      }
    } catch { complain("\(question.text()): \(error)") }
  }

  private func answered(_ question: JSONValue, _ head: String, _ text: String) {
    guard let version = headerValue("x-adapter-version", in: head),
      let digest = headerValue("x-adapter-digest", in: head)
    else { return complain("an answer without its version") }
    let asked = question["model"]?.stringValue ?? ""
    if version != asked, !version.hasPrefix(asked.prefix { $0 != ":" } + "@") {
      complain("'\(asked)' was answered by \(version)")
    }
    state.withLock {
      $0.told.answers.append(
        Answer(question: question, version: version, digest: digest, text: text))
    }
  }

  private func refused(_ question: JSONValue, _ status: Int, _ text: String) {
    let model = question["model"]?.stringValue ?? ""
    if status == 404, model == "soak/none" || model.contains("@") {
      state.withLock { $0.told.missing += 1 }
    } else if status == 429 {
      state.withLock { $0.told.busy += 1 }
    } else {
      complain("\(question.text()): \(status) \(text)")
    }
  }
}

/// What versions say when nobody else asks, in an engine of its own.
private final class Alone {
  private let toy: ToyService
  private let soak: Soak
  private var known: [String: String] = [:]
  /// How near to each other the logarithms of the two best tokens' probabilities came in the last answer made.
  private(set) var closest: Float = 0

  init(_ soak: Soak) throws {
    toy = try ToyService()
    self.soak = soak
  }

  func text(of answer: Soak.Answer) throws -> String {
    let key = answer.digest + answer.question.members("messages", "prompt", "max_tokens", "seed")
    if let text = known[key] { return text }
    let base = try toy.service.model("base")
    let prompt: ServicePrompt
    if let message = answer.question["messages"]?.arrayValue?[0]["content"]?.stringValue {
      prompt = .messages([Message(role: "user", content: message)])
    } else {
      prompt = .text(answer.question["prompt"]?.stringValue ?? "")
    }
    var request = GenerateRequest(prompt: try toy.service.tokens(prompt, for: base))
    request.maximumTokens = answer.question["max_tokens"]?.intValue ?? 0
    request.sampler.temperature = Float(answer.question["temperature"]?.doubleValue ?? 0)
    request.sampler.seed = UInt64(answer.question["seed"]?.intValue ?? 0)
    request.sampler.logitBias = [2: -100]
    request.topChoices = 2
    let model = toy.service.base.model
    let source = soak.adapter(answer.digest).map { adapter in
      AdapterSource(digest: adapter.digest) { ResidentAdapter(adapter, for: model) }
    }
    if source == nil { try #require(answer.digest == base.digest.hex) }
    let (result, done) = (Box<GenerateResult>(), Happening())
    _ = try toy.service.loop.submit(EngineJob(request, adapter: source)) { event in
      if case .finished(let end, _) = event { result.put(end) }
      if case .text = event { return }
      done.happen()
    }
    #expect(done.awaited())
    let text = try #require(result.all.first).text
    let gaps = result.all[0].choices.map { $0.top[0].logProbability - $0.top[1].logProbability }
    closest = gaps.min() ?? 0
    known[key] = text
    return text
  }
}

extension JSONValue {
  /// These members as a text.
  fileprivate func members(_ names: String...) -> String {
    names.map { self[$0]?.text() ?? "-" }.joined(separator: "|")
  }
}
