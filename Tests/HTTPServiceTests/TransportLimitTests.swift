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

  /// 600 bytes of 1000 lie in a request that is being answered, and more come in every way.
  @Test func bodiesHaveSoMuchRoomTogether() throws {
    let (began, go) = (Happening(), DispatchSemaphore(value: 0))
    var options = HTTPServerOptions()
    options.maximumBodyBytes = 1000
    options.totalBodyBytes = 1000
    // libmicrohttpd does not see the end that comes with the last bytes; then it is this that ends the body.
    options.bodySeconds = 5
    let server = try HTTPServer(options: options) { exchange in
      if exchange.request.path == "/read" { exchange.dropBody() }
      if exchange.request.path != "/" {
        began.happen()
        go.wait()
      }
      exchange.respond(HTTPResponse(body: exchange.request.body))
    }
    func post(_ path: String, _ count: Int, chunked: Bool = false) -> String {
      let body = String(repeating: "a", count: count)
      return "POST \(path) HTTP/1.1\r\nHost: a\r\n"
        + (chunked
          ? "Transfer-Encoding: chunked\r\n\r\n\(String(count, radix: 16))\r\n\(body)\r\n0\r\n\r\n"
          : "Content-Length: \(count)\r\n\r\n\(body)")
    }
    func answer(_ text: String) throws -> TransportClient.Response {
      let client = try TransportClient(server.port)
      client.send(text)
      return try client.response()
    }
    for round in 0..<3 {
      var first: TransportClient? = try TransportClient(server.port)
      first?.send(post("/held", 600))
      #expect(began.awaited())
      for chunked in [false, true] {
        let refused = try answer(post("/", 600, chunked: chunked))
        #expect(refused.status == 503 && refused.text.contains("bodies"), "chunked: \(chunked)")
        #expect(refused.head.contains("\r\nRetry-After: 1\r\n"))
        #expect(try eventually { try answer(post("/", 400, chunked: chunked)).status == 200 })
      }
      #expect(try answer("GET / HTTP/1.1\r\nHost: a\r\n\r\n").status == 200)
      // Whoever leaves in the middle of a body, or once it has come, leaves the room to others.
      do {
        let halfway = try TransportClient(server.port)
        halfway.send("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 400\r\n\r\nabc")
      }
      if round == 0 { first = nil }
      go.signal()
      if let first { #expect(try first.response().body.count == 600) }
      #expect(try eventually { try answer(post("/", 1000)).status == 200 }, "round \(round)")
    }
    let read = try TransportClient(server.port)
    read.send(post("/read", 1000))
    #expect(began.awaited())
    #expect(try eventually { try answer(post("/", 1000)).status == 200 }, "one that has been read")
    go.signal()
    #expect(try read.response().text == "")
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
      { $0.totalBodyBytes = $0.maximumBodyBytes - 1 },
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
            let wanted = ["/whole": 100_000, "/drop": 96, "/stream": 10_000][path]
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
