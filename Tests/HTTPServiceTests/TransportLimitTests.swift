import Dispatch
import Foundation
import HTTPService
import Testing

/// Deadlines, limits, many clients and a server's start.
@Suite(.serialized) struct TransportLimitTests {
  private func server(_ change: (inout HTTPServerOptions) -> Void = { _ in }) throws -> HTTPServer {
    var options = HTTPServerOptions()
    change(&options)
    return try HTTPServer(options: options) { $0.respond(HTTPResponse(body: Array("yes".utf8))) }
  }

  @Test(arguments: ["", "GET / HT", "GET / HTTP/1.1\r\nHost: a\r\nX: "])
  func aSlowHeadIsCut(head: String) throws {
    let server = try server { $0.headerSeconds = 0.3 }
    let client = try TransportClient(server.port)
    client.send(head)
    #expect(client.rest() == [])
    #expect(eventually { server.connectionCount == 0 })
  }

  @Test func anIdleConnectionIsCutAfterItsAnswer() throws {
    let server = try server { $0.headerSeconds = 0.3 }
    let client = try TransportClient(server.port)
    #expect(try client.get("/").text == "yes")
    #expect(client.rest() == [])
    #expect(eventually { server.connectionCount == 0 })
  }

  @Test func aSlowBodyIsCut() throws {
    let server = try server { $0.bodySeconds = 0.3 }
    let client = try TransportClient(server.port)
    client.send("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 10\r\n\r\nabc")
    #expect(client.rest() == [])
    #expect(eventually { server.connectionCount == 0 })
  }

  @Test func idleConnectionsDoNotHinderARequest() throws {
    let server = try server()
    let idle = try (0..<300).map { _ in try TransportClient(server.port) }
    #expect(try TransportClient(server.port).get("/").text == "yes")
    #expect(eventually { server.connectionCount >= 300 })
    withExtendedLifetime(idle) {}
  }

  @Test func connectionsOverTheLimitWait() throws {
    let server = try server { $0.maximumConnections = 2 }
    var idle = try (0..<2).map { _ in try TransportClient(server.port) }
    #expect(eventually { server.connectionCount == 2 })
    let client = try TransportClient(server.port)
    client.send("GET / HTTP/1.1\r\nHost: a\r\n\r\n")
    #expect(!eventually(for: 30) { server.connectionCount > 2 })
    idle.removeLast()
    #expect(try client.response().text == "yes")
    #expect(try idle[0].get("/").text == "yes")
  }

  @Test func aFullQueueIsAnsweredAtOnce() throws {
    let began = Happening()
    let go = DispatchSemaphore(value: 0)
    var options = HTTPServerOptions()
    options.handlerThreads = 1
    options.handlerQueue = 1
    let server = try HTTPServer(options: options) { exchange in
      began.happen()
      go.wait()
      exchange.respond(HTTPResponse())
    }
    let first = try TransportClient(server.port)
    first.send("GET / HTTP/1.1\r\nHost: a\r\n\r\n")
    #expect(began.awaited())
    // One of the next ten waits in the queue, and the others are turned away while it does.
    let answers = Box<TransportClient.Response?>()
    for _ in 0..<10 {
      Thread.detachNewThread { answers.put(try? TransportClient(server.port).get("/")) }
    }
    #expect(eventually { answers.all.count == 9 })
    for answer in answers.all {
      #expect(answer?.status == 503)
      #expect(answer?.head.contains("\r\nRetry-After: 1\r\n") == true)
    }
    for _ in 0..<2 { go.signal() }
    #expect(try first.response().status == 200)
    #expect(eventually { answers.all.count == 10 })
    #expect(answers.all.last??.status == 200)
  }

  @Test func aPortInUseIsAClearError() throws {
    let first = try server()
    let error = #expect(throws: HTTPServerError.self) { try server { $0.port = first.port } }
    #expect(
      error
        == HTTPServerError(
          .addressInUse,
          "another process listens on 127.0.0.1 port \(first.port): stop it, or choose another port"
        ))
  }

  @Test(arguments: [
    ("nowhere.invalid", HTTPServerError.Code.badAddress), ("300.1.2.3", .badAddress),
    ("203.0.113.7", .badAddress),
  ])
  func aBadAddressIsAClearError(address: String, code: HTTPServerError.Code) {
    let error = #expect(throws: HTTPServerError.self) { try server { $0.address = address } }
    #expect(error?.code == code)
    #expect(error?.message.contains(address) == true)
  }

  @Test func badOptionsAreRefused() {
    for change: (inout HTTPServerOptions) -> Void in [
      { $0.port = 65_536 }, { $0.port = -1 }, { $0.maximumConnections = 0 },
      { $0.headerSeconds = 0 }, { $0.bodySeconds = .nan }, { $0.handlerThreads = 0 },
    ] {
      let error = #expect(throws: HTTPServerError.self) { try server(change) }
      #expect(error?.code == .badOption)
    }
  }

  @Test func serversComeAndGo() throws {
    for _ in 0..<20 {
      let server = try server()
      #expect(try TransportClient(server.port).get("/").text == "yes")
    }
  }

  @Test func aStormLeavesNothingBehind() throws {
    let ended = Box<Int>()
    var options = HTTPServerOptions()
    options.handlerQueue = 10_000
    let server = try HTTPServer(options: options) { exchange in
      exchange.onDisconnect { ended.put(1) }
      switch exchange.request.path {
      case "/whole": exchange.respond(HTTPResponse(body: [UInt8](repeating: 1, count: 100_000)))
      case "/drop": break
      default:
        let stream = exchange.stream()
        Thread.detachNewThread {
          for _ in 0..<10 { stream.write([UInt8](repeating: 2, count: 1000)) }
          if exchange.request.path == "/abort" { stream.abort() } else { stream.finish() }
        }
      }
    }
    let failures = Box<String>()
    DispatchQueue.concurrentPerform(iterations: 32) { thread in
      var random = UInt64(thread) &* 0x9e37_79b9_7f4a_7c15 | 1
      for _ in 0..<64 {
        random = random &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
        let path = ["/whole", "/drop", "/abort", "/stream"][Int(random >> 33) % 4]
        do {
          let client = try TransportClient(server.port)
          client.send("GET \(path) HTTP/1.1\r\nHost: a\r\n\r\n")
          if random >> 40 & 1 == 0 { continue }
          if path == "/abort" {
            if client.rest() == nil { failures.put("\(path): no end") }
          } else {
            let response = try client.response()
            let wanted = ["/whole": 100_000, "/drop": 71, "/stream": 10_000][path]
            if response.body.count != wanted { failures.put("\(path): \(response.body.count)") }
          }
        } catch {
          failures.put("\(path): \(error)")
        }
      }
    }
    #expect(failures.all == [])
    #expect(eventually { server.connectionCount == 0 })
    #expect(try TransportClient(server.port).get("/drop").status == 500)
  }
}
