import Dispatch
import Foundation
import HTTPService
import JSON
import Lorikeet
import Registry
import Testing
import Toys

/// Changes of the registry that wait for another process.
@Suite struct WaitingChangeTests {
  /// Another process's write, until the semaphore is signalled.
  private func lock(
    _ registry: Registry, _ change: @escaping @Sendable (Database) throws -> Void = { _ in }
  ) -> DispatchSemaphore {
    let (locked, unlock) = (Happening(), DispatchSemaphore(value: 0))
    Thread.detachNewThread {
      try? registry.write { database in
        locked.happen()
        unlock.wait()
        try change(database)
      }
    }
    #expect(locked.awaited())
    return unlock
  }

  @Test func changesThatWaitHoldUpNobodyElse() throws {
    let toy = try ToyService()
    try toy.publish(1, as: "a")
    let unlock = lock(toy.registry)
    let replies = Box<Reply?>()
    let port = toy.http.port
    for number in 0..<8 {
      Thread.detachNewThread {
        let body: JSONValue = ["reference": "a@1", "alias": .string("x\(number)")]
        replies.put(try? TransportClient(port).ask("POST", "/admin/alias", body))
      }
    }
    // All have come, and none has been answered, so that each waits.
    #expect(eventually { toy.http.connectionCount == 8 })
    usleep(200_000)
    #expect(try toy.get("/health").status == 200)
    let chat = try toy.post("/v1/chat/completions", ToyService.chat("a"))
    #expect(chat.status == 200 && chat.header("x-adapter-version") == "a@1")
    #expect(try toy.get("/admin/adapters/a").status == 200)
    #expect(replies.all.isEmpty, "they still wait")
    unlock.signal()
    #expect(eventually { replies.all.count == 8 })
    #expect(replies.all.map { $0?.status } == [Int?](repeating: 200, count: 8))
    #expect(try toy.registry.aliases(of: "a").count == 8)
  }

  @Test func changesBeyondTheQueueAreTurnedAway() throws {
    let toy = try ToyService { _, options in options.http.handlerQueue = 2 }
    try toy.publish(1, as: "a")
    let unlock = lock(toy.registry)
    let replies = Box<Reply?>()
    let port = toy.http.port
    for number in 0..<6 {
      usleep(20_000)
      Thread.detachNewThread {
        let body: JSONValue = ["reference": "a@1", "alias": .string("x\(number)")]
        replies.put(try? TransportClient(port).ask("POST", "/admin/alias", body))
      }
    }
    // One is at it and two wait; the handlers may turn some away before.
    #expect(
      eventually {
        replies.all.contains { $0?.text.contains("changes of the registry wait") == true }
      })
    #expect(try toy.say("a").status == 200)
    unlock.signal()
    #expect(eventually { replies.all.count == 6 })
    for reply in replies.all where reply?.status != 200 {
      #expect(reply?.status == 503 && reply?.header("retry-after") != nil, "\(reply?.text ?? "")")
    }
    #expect((1...3).contains(replies.all.count { $0?.status == 200 }))
  }
  @Test func aChangeThatWaitsIsNotMadeOnceItsKeyIsRevoked() throws {
    let toy = try ToyService()
    try toy.publish(1, as: "a")
    let secret = try toy.registry.addKey(NewKey("ops", isAdmin: true)).secret
    let unlock = lock(toy.registry) { try $0.run("UPDATE api_keys SET revoked = 1") }
    let replies = Box<Reply?>()
    let port = toy.http.port
    for path in ["alias", "remove"] {
      Thread.detachNewThread {
        let body: JSONValue = ["reference": "a@1", "alias": "x"]
        let headers = ["authorization": "Bearer \(secret)"]
        replies.put(
          try? TransportClient(port).ask("POST", "/admin/\(path)", body, headers: headers))
      }
    }
    #expect(eventually { toy.http.connectionCount == 2 })
    usleep(200_000)
    #expect(replies.all.isEmpty, "they wait")
    unlock.signal()
    #expect(eventually { replies.all.count == 2 })
    for reply in replies.all {
      #expect(
        reply?.status == 401 && reply?.text.contains("revoked") == true, "\(reply?.text ?? "")")
    }
    #expect(try toy.registry.aliases(of: "a").isEmpty)
    #expect(try toy.registry.versions(of: "a").count == 1)
  }
}
