import Digests
import Dispatch
import Foundation
import Registry
import Synchronization
import Testing

@Suite("Two writers and many readers")
struct ConcurrencyTests {
  @Test("a writer waits for another connection's transaction")
  func waiting() throws {
    let scratch = try Scratch()
    let first = try Registry.withBase(scratch)
    let second = try scratch.open()
    let inside = DispatchSemaphore(value: 0)
    let done = Mutex(false)
    let thread = Thread {
      try? first.write { _ in
        inside.signal()
        Thread.sleep(forTimeInterval: 0.2)
        done.withLock { $0 = true }
      }
    }
    thread.start()
    inside.wait()
    #expect(try second.bases().count == 1)  // readers do not wait
    #expect(!done.withLock { $0 })
    try second.publish(draft("a"))
    #expect(done.withLock { $0 })
  }

  @Test("a writer that has waited too long says so and has changed nothing")
  func busy() throws {
    let scratch = try Scratch()
    let first = try Registry.withBase(scratch)
    let second = try scratch.open(busyTimeout: 20)
    let error = failure {
      try first.write { _ in _ = try second.publish(draft("a")) }
    }
    #expect(error?.code == .busy)
    #expect(error?.message.contains("try again") == true)
    #expect(error?.message.contains(scratch.path) == true)
    try second.publish(draft("a"))
  }

  @Test("an error inside a transaction undoes all of it and the connection goes on")
  func undoing() throws {
    let registry = try Registry.withBase(try Scratch())
    let error = failure {
      try registry.write { database in
        try database.run("INSERT INTO adapters (name, created) VALUES ('x', 1)")
        try database.run("INSERT INTO adapters (name, created) VALUES ('secret', 'not a number')")
      }
    }
    #expect(error?.code == .database)
    #expect(error?.message.contains("secret") == false)
    #expect(try registry.count("adapters") == 0)
    try registry.publish(draft("x"))
  }

  @Test("threads on two connections publish, move and read without loss")
  func hammering() throws {
    let scratch = try Scratch()
    let registries = [try Registry.withBase(scratch), try scratch.open()]
    let errors = Mutex<[String]>([])
    let rounds = 25
    DispatchQueue.concurrentPerform(iterations: 6) { worker in
      let registry = registries[worker % 2]
      do {
        for round in 0..<rounds {
          let seed = worker * 1000 + round
          if worker < 4 {
            try registry.publish(
              draft("shared", seed: seed, weights: Array("\(seed)".utf8)), alias: "production")
          } else {
            guard let version = try? registry.version("shared") else { continue }
            _ = try registry.weights(of: version)
            _ = try registry.list()
          }
        }
      } catch {
        errors.withLock { $0.append("\(error)") }
      }
    }
    #expect(errors.withLock { $0 } == [])
    let versions = try registries[0].versions(of: "shared")
    #expect(versions.map(\.number) == Array((1...(4 * rounds)).reversed()))
    for version in versions {
      #expect(Digest.of(try registries[1].weights(of: version)) == version.weights)
    }
    #expect(try registries[1].aliasHistory(of: "shared").count == 4 * rounds)
    #expect(
      try registries[0].read { try $0.first("PRAGMA integrity_check") { try $0.text() } } == "ok")
  }
}
