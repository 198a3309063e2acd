import Adapters
import Digests
import Foundation
import Models
import Serving
import Synchronization
import Tensors
import Testing
import Tokenizers

@Suite("An engine at work", .serialized) struct EngineLoopTests {
  /// Requests of every kind: lengths, adapters of two ranks and none, greedy and drawn, with stops and choices.
  private func mix(_ toy: ToyEngine, _ adapters: [Adapter], count: Int, seed: UInt64) -> [EngineJob]
  {
    var generator = SplitMix64(seed: seed)
    return (0..<count).map { index in
      // Prompts begin alike, in part, whatever the adapter.
      var request = toy.request(
        4 + Int(generator.next() % 90), seed: generator.next() % 3,
        tokens: 1 + Int(generator.next() % 24))
      if index % 3 == 1 {
        request.sampler.temperature = 0.9
        request.sampler.topP = 0.95
        request.sampler.seed = generator.next()
      }
      if index % 4 == 2 { request.sampler.frequencyPenalty = 0.5 }
      if index % 5 == 0 { request.topChoices = 2 }
      let choice = Int(generator.next() % UInt64(adapters.count + 1))
      return EngineJob(
        request, adapter: choice == 0 ? nil : toy.source(adapters[choice - 1]),
        tenant: "\(index % 2)")
    }
  }

  /// What each job is answered by itself, without a prefix cache.
  private func alone(_ toy: ToyEngine, _ jobs: [EngineJob], _ pool: AdapterPool) throws
    -> [GenerateResult]
  {
    try jobs.map { job in
      var request = job.request
      request.adapter = try job.adapter.map { try pool.pin($0.digest, load: $0.load) }
      return try toy.engine.generate([request])[0]
    }
  }

  @Test("answers each request as it would alone", arguments: [WeightFormat.f32, .bf16, .int8])
  func mixes(weights: WeightFormat) throws {
    let toy = try ToyEngine(weights: weights)
    let adapters = try (1...3).map { try toy.adapter($0, rank: $0 == 2 ? 8 : 4) }
    let jobs = mix(toy, adapters, count: 60, seed: 7)
    let expected = try alone(toy, jobs, toy.pool())
    #expect(Set(expected.map(\.tokens)).count > 30)
    let loop = EngineLoop(engine: toy.engine, adapters: toy.pool())
    for _ in 0..<2 {
      let listeners = try jobs.map { job in
        let listener = Listener()
        _ = try loop.submit(job, listener)
        return listener
      }
      for (index, listener) in listeners.enumerated() {
        var result = try listener.result()
        result.cachedTokens = 0
        // Floats go through BLAS, whose last bits depend on the number of rows.
        let isSame =
          weights == .f32 ? result.text == expected[index].text : result == expected[index]
        #expect(isSame, "request \(index)")
        let isTold = listener.text == result.text && listener.choices == result.choices
        #expect(isTold, "request \(index)")
      }
    }
    loop.stop()
    let statistics = loop.statistics
    #expect(statistics.cachedTokens > 500 && statistics.running == 0 && statistics.waiting == 0)
    #expect(loop.adapters.statistics.loads == 3)
    #expect(loop.adapters.residents.values.allSatisfy { $0 == 0 })
  }

  @Test("keeps caches and adapters within one budget, and answers all the same")
  func tightMemory() throws {
    let toy = try ToyEngine()
    let adapters = try (1...6).map { try toy.adapter($0) }
    let jobs = mix(toy, adapters, count: 60, seed: 3)
    let expected = try alone(toy, jobs, toy.pool())
    // Two adapters and a few caches.
    let cache = toy.engine.model.cacheBytes(tokens: 120)
    let pool = toy.pool(capacity: toy.bytes(adapters[0]) * 2 + cache * 3)
    let loop = EngineLoop(engine: toy.engine, adapters: pool)
    defer { loop.stop() }
    let listeners = try jobs.map { job in
      let listener = Listener()
      _ = try loop.submit(job, listener)
      return listener
    }
    for (index, listener) in listeners.enumerated() {
      #expect(try listener.result().tokens == expected[index].tokens, "request \(index)")
      #expect(pool.budget.used <= pool.budget.capacity)
    }
    #expect(pool.statistics.evictions > 0)
  }

  @Test("refuses what can never fit, at once or as soon as that is known")
  func impossible() throws {
    let toy = try ToyEngine()
    let small = EngineLoop(engine: toy.engine, adapters: toy.pool(capacity: 10_000))
    defer { small.stop() }
    func code(_ job: EngineJob) -> ServingError.Code? {
      do {
        _ = try small.answer(job)
        return nil
      } catch { return (error as? ServingError)?.code }
    }
    #expect(code(EngineJob(toy.request(200))) == .tooLarge)
    #expect(code(EngineJob(toy.request(600))) == .tooLong)
    #expect(code(EngineJob(GenerateRequest(prompt: []))) == .badRequest)
    #expect(code(EngineJob(toy.request(4), adapter: toy.source(try toy.adapter(1)))) == .tooLarge)
    #expect(code(EngineJob(toy.request(4, tokens: 2))) == nil)
  }

  @Test("an adapter and a cache that never fit together are refused for good")
  func impossibleTogether() throws {
    let toy = try ToyEngine()
    let adapter = try toy.adapter(1)
    let cache = toy.engine.model.cacheBytes(tokens: 120)
    let loop = EngineLoop(
      engine: toy.engine, adapters: toy.pool(capacity: toy.bytes(adapter) + cache / 2))
    defer { loop.stop() }
    let job = EngineJob(toy.request(100, tokens: 20), adapter: toy.source(adapter))
    let error = #expect(throws: ServingError.self) { _ = try loop.answer(job) }
    #expect(error?.code == .tooLarge)
    #expect(try loop.answer(EngineJob(toy.request(4, tokens: 2))).tokens.count == 2)
  }

  @Test("who fills the queue keeps nobody out who has less than a share of it")
  func shares() throws {
    let toy = try ToyEngine()
    var limits = EngineLoop.Limits()
    (limits.streams, limits.waiting) = (2, 6)
    let loop = EngineLoop(engine: toy.engine, adapters: toy.pool(), limits: limits)
    defer { loop.stop() }
    func submit(_ tenant: String) -> ServingError.Code? {
      do {
        _ = try loop.submit(EngineJob(toy.request(20, tokens: 200), tenant: tenant)) { _ in }
        return nil
      } catch { return error.code }
    }
    #expect((0..<8).allSatisfy { _ in submit("many") == nil })
    #expect(submit("many") == .busy)
    #expect((0..<4).allSatisfy { _ in submit("one") == nil })
    #expect(submit("one") == .busy && submit("many") == .busy)
    #expect((0..<2).allSatisfy { _ in submit("third") == nil })
    #expect(submit("third") == .busy)
  }

  @Test("refuses a bad adapter by itself and goes on with the others")
  func badAdapter() throws {
    let toy = try ToyEngine()
    let good = try toy.adapter(1)
    let loop = EngineLoop(engine: toy.engine, adapters: toy.pool())
    defer { loop.stop() }
    let wrong = AdapterSource(digest: Digest.of("promised")) { toy.resident(good) }
    let broken = AdapterSource(digest: Digest.of("broken")) {
      throw ServingError(.wrongBase, "damaged")
    }
    let listeners = try [wrong, broken, toy.source(good)].map { source in
      let listener = Listener()
      _ = try loop.submit(EngineJob(toy.request(9), adapter: source), listener)
      return listener
    }
    #expect(throws: ServingError.self) { try listeners[0].result() }
    #expect(throws: ServingError(.wrongBase, "damaged")) { try listeners[1].result() }
    #expect(try listeners[2].result().tokens.count == 12)
  }

  @Test("cancels a request that waits, loads or runs, and drains what it has")
  func cancels() throws {
    let toy = try ToyEngine()
    var limits = EngineLoop.Limits()
    limits.streams = 1
    limits.waiting = 3
    let loop = EngineLoop(engine: toy.engine, adapters: toy.pool(), limits: limits)
    let gate = DispatchSemaphore(value: 0)
    let first = Listener()
    let began = DispatchSemaphore(value: 0)
    let running = try loop.submit(EngineJob(toy.request(8, tokens: 450))) { event in
      first.receive(event)
      if case .text = event { began.signal() }
    }
    began.wait()
    let waiting = Listener()
    let waitingID = try loop.submit(EngineJob(toy.request(8)), waiting)
    let loading = Listener()
    let slow = try toy.adapter(1)
    let loadingID = try loop.submit(
      EngineJob(
        toy.request(8),
        adapter: AdapterSource(digest: slow.digest) {
          gate.wait()
          return toy.resident(slow)
        }), loading)
    let last = Listener()
    _ = try loop.submit(EngineJob(toy.request(8)), last)
    do {
      _ = try loop.submit(EngineJob(toy.request(8)), Listener())
      Issue.record("a fifth request was taken in")
    } catch let error as ServingError { #expect(error.code == .busy) }
    loop.cancel(waitingID)
    loop.cancel(loadingID)
    #expect(try waiting.result().finish == .cancelled)
    #expect(try loading.result().finish == .cancelled)
    loop.cancel(running)
    let cut = try first.result()
    #expect(cut.finish == .cancelled && cut.tokens.count < 450 && cut.text == first.text)
    gate.signal()
    loop.drain()
    #expect(try last.result().tokens.count == 12)
    #expect(throws: ServingError.self) { try loop.submit(EngineJob(toy.request(8)), Listener()) }
    #expect(loop.adapters.residents.values.allSatisfy { $0 == 0 })
  }

  @Test("loads an adapter beside an answer, little by little, whatever comes meanwhile")
  func loadsInRests() throws {
    let toy = try ToyEngine()
    let loop = EngineLoop(engine: toy.engine, adapters: toy.pool())
    defer { loop.stop() }
    let began = DispatchSemaphore(value: 0)
    let passed = Atomic<Int>(0)
    let long = Listener()
    _ = try loop.submit(EngineJob(toy.request(8, tokens: 480))) { event in
      long.receive(event)
      if case .text = event { began.signal() }
      loop.cancel(-1)  // there is mail after every step
    }
    began.wait()
    let cold = try toy.adapter(1)
    let loading = Listener()
    let source = AdapterSource(digest: cold.digest) {
      for _ in 0..<30 {
        WorkGate.pass()
        passed.wrappingAdd(1, ordering: .relaxed)
        Thread.sleep(forTimeInterval: 0.0001)
      }
      return toy.resident(cold)
    }
    _ = try loop.submit(EngineJob(toy.request(8, tokens: 1), adapter: source), loading)
    #expect(try loading.result().tokens.count == 1)
    #expect(passed.load(ordering: .relaxed) == 30)
    #expect(!long.hasEnded)
    #expect(try long.result().tokens.count == 480)
  }

  @Test("gives a request up when its time is over, and stops in the middle of others")
  func lateAndStop() throws {
    let toy = try ToyEngine()
    let loop = EngineLoop(engine: toy.engine, adapters: toy.pool())
    let late = Listener()
    let blocked = AdapterSource(digest: Digest.of("never")) {
      Thread.sleep(forTimeInterval: 1)
      throw ServingError(.wrongBase, "too late to matter")
    }
    _ = try loop.submit(EngineJob(toy.request(4), adapter: blocked, patience: 0.05), late)
    do {
      _ = try late.result()
      Issue.record("a late request was answered")
    } catch let error as ServingError { #expect(error.code == .late) }
    let cut = Listener()
    let began = DispatchSemaphore(value: 0)
    _ = try loop.submit(EngineJob(toy.request(8, tokens: 500))) { event in
      cut.receive(event)
      if case .text = event { began.signal() }
    }
    began.wait()
    loop.stop()
    #expect(try cut.result().finish == .cancelled)
  }

  @Test("takes requests from many threads, and loses none")
  func crowd() throws {
    let toy = try ToyEngine()
    let adapters = try (1...4).map { try toy.adapter($0) }
    let jobs = mix(toy, adapters, count: 24, seed: 11)
    let expected = try alone(toy, jobs, toy.pool())
    let loop = EngineLoop(engine: toy.engine, adapters: toy.pool())
    defer { loop.stop() }
    let wrong = Mutex(0)
    let cancelled = Mutex(0)
    DispatchQueue.concurrentPerform(iterations: 8) { thread in
      for round in 0..<12 {
        let index = (thread * 5 + round * 7) % jobs.count
        let listener = Listener()
        do {
          let id = try loop.submit(jobs[index], listener)
          if round % 4 == 3 { loop.cancel(id) }
          let result = try listener.result()
          if result.finish == .cancelled {
            cancelled.withLock { $0 += 1 }
          } else if result.tokens != expected[index].tokens {
            wrong.withLock { $0 += 1 }
          }
        } catch { wrong.withLock { $0 += 1 } }
      }
    }
    #expect(wrong.withLock { $0 } == 0)
    #expect(cancelled.withLock { $0 } > 0)
  }
}
