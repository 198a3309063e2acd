import HTTPService
import Testing

/// Streams, and clients that leave, on a live server.
@Suite(.serialized) struct TransportStreamTests {
  /// A server that puts its exchanges, or the streams on them, into a box.
  private struct Held {
    let exchanges = Box<HTTPExchange>()
    let streams = Box<HTTPStream>()
    let gone = Happening()
    let server: HTTPServer

    init(
      streaming: Bool = true, _ change: (inout HTTPServerOptions) -> Void = { _ in }
    ) throws {
      var options = HTTPServerOptions()
      change(&options)
      server = try HTTPServer(options: options) { [exchanges, streams, gone] exchange in
        exchange.onDisconnect { gone.happen() }
        if streaming {
          streams.put(exchange.stream(status: 201, headers: [("X-A", "b")]))
        } else {
          exchanges.put(exchange)
        }
      }
    }

    /// A client that has asked, and its exchange.
    func asked(_ method: String = "GET") throws -> TransportClient {
      let client = try TransportClient(server.port)
      let before = exchanges.all.count + streams.all.count
      client.send("\(method) / HTTP/1.1\r\nHost: a\r\n\r\n")
      #expect(eventually { exchanges.all.count + streams.all.count > before })
      return client
    }
  }

  @Test func chunksArriveOneByOne() throws {
    let held = try Held()
    let client = try held.asked()
    let head = try client.until("\r\n\r\n")
    #expect(head.hasPrefix("HTTP/1.1 201 ") && head.contains("\r\nX-A: b\r\n"))
    let stream = held.streams.all[0]
    for number in 0..<20 {
      stream.write(Array("number \(number)".utf8))
      #expect(try client.chunk() == Array("number \(number)".utf8))
    }
    stream.write([])
    stream.finish()
    stream.write(Array("late".utf8))
    #expect(try client.chunk() == nil)
    client.send("GET / HTTP/1.1\r\nHost: a\r\n\r\n")
    #expect(eventually { held.streams.all.count == 2 })
  }

  @Test func nothingIsLostBetweenWriterAndReader() throws {
    let held = try Held()
    let client = try held.asked()
    let stream = held.streams.all[0]
    var sent: [UInt8] = []
    for number in 0..<5_000 {
      let bytes = [UInt8](repeating: UInt8(truncatingIfNeeded: number), count: number % 700)
      stream.write(bytes)
      sent += bytes
    }
    stream.finish()
    #expect(try client.response().body == sent)
  }

  @Test func anAbortedStreamIsSeenAsCut() throws {
    let held = try Held()
    let client = try held.asked()
    held.streams.all[0].write(Array("some".utf8))
    held.streams.all[0].abort()
    let text = String(decoding: try #require(client.rest()), as: UTF8.self)
    #expect(text.hasSuffix("\r\n\r\n4\r\nsome\r\n"))
    #expect(eventually { held.server.connectionCount == 0 })
  }

  @Test func aDroppedStreamIsSeenAsCut() throws {
    let held = try Held()
    let client = try held.asked()
    held.streams.empty()
    let text = String(decoding: try #require(client.rest()), as: UTF8.self)
    #expect(text.hasSuffix("\r\n\r\n"))
    #expect(eventually { held.server.connectionCount == 0 })
  }

  @Test func aDroppedExchangeIsAnswered() throws {
    let held = try Held(streaming: false)
    let client = try held.asked()
    held.exchanges.empty()
    let response = try client.response()
    #expect(response.status == 500)
    #expect(response.text.contains("did not answer"))
  }

  @Test func headOfAStreamHasNoBody() throws {
    let held = try Held()
    let client = try held.asked("HEAD")
    held.streams.all[0].write(Array("some".utf8))
    held.streams.all[0].finish()
    let text = String(decoding: try #require(client.rest()), as: UTF8.self)
    #expect(text.hasPrefix("HTTP/1.1 201 ") && text.hasSuffix("\r\n\r\n"))
    #expect(!text.contains("some"))
  }

  @Test(arguments: [true, false]) func aClientThatLeavesIsNoticed(streaming: Bool) throws {
    let held = try Held(streaming: streaming)
    var client: TransportClient? = try held.asked()
    if streaming {
      held.streams.all[0].write([1])
      _ = try client?.until("\r\n\r\n")
    }
    client = nil
    #expect(held.gone.awaited())
    #expect(eventually { held.server.connectionCount == 0 })
    // Late answers and actions are dropped, and called at once.
    if streaming { held.streams.all[0].write([2]) }
    let late = Happening()
    if let exchange = held.exchanges.all.first {
      exchange.onDisconnect { late.happen() }
      #expect(late.awaited())
      exchange.respond(HTTPResponse())
    }
  }

  @Test func aClientThatTakesItsAnswerHasNotLeft() throws {
    let calls = Box<Int>()
    let server = try HTTPServer(options: HTTPServerOptions()) { exchange in
      exchange.onDisconnect { calls.put(1) }
      if exchange.request.path == "/whole" { return exchange.respond(HTTPResponse(body: [1])) }
      let stream = exchange.stream()
      stream.write([1])
      stream.finish()
    }
    for _ in 0..<500 {
      _ = try TransportClient(server.port).get("/whole")
      _ = try TransportClient(server.port).get("/stream")
    }
    #expect(eventually { server.connectionCount == 0 })
    #expect(calls.all.isEmpty)
  }

  @Test func aClientThatDoesNotReadIsCutByBytes() throws {
    let held = try Held { $0.maximumUnsentBytes = 1 << 20 }
    let client = try held.asked()
    for _ in 0..<40 { held.streams.all[0].write([UInt8](repeating: 0, count: 1 << 20)) }
    #expect(held.gone.awaited())
    #expect(client.rest() != nil)
    #expect(eventually { held.server.connectionCount == 0 })
  }

  @Test(arguments: [true, false]) func aClientThatDoesNotReadIsCutInTime(streaming: Bool) throws {
    let held = try Held(streaming: streaming) {
      $0.stallSeconds = 0.3
      $0.maximumUnsentBytes = 64 << 20
    }
    let client = try held.asked()
    let body = [UInt8](repeating: 0, count: 32 << 20)
    if streaming {
      held.streams.all[0].write(body)
    } else {
      held.exchanges.all[0].respond(HTTPResponse(body: body))
    }
    #expect(held.gone.awaited())
    #expect(try #require(client.rest()).count < body.count)
    #expect(eventually { held.server.connectionCount == 0 })
  }

  @Test func anIdleStreamIsNotCut() throws {
    let held = try Held {
      $0.stallSeconds = 0.2
      $0.headerSeconds = 0.2
      $0.bodySeconds = 0.2
    }
    let client = try held.asked()
    _ = try client.until("\r\n\r\n")
    #expect(!eventually(for: 100) { held.server.connectionCount == 0 })
    held.streams.all[0].write([65])
    held.streams.all[0].finish()
    #expect(try client.chunk() == [65])
  }

  @Test(arguments: [true, false]) func stoppingEndsWhatIsUnderWay(streaming: Bool) throws {
    let held = try Held(streaming: streaming)
    let clients = try (0..<20).map { _ in try held.asked() }
    held.server.stop()
    held.server.stop()
    for _ in clients { #expect(held.gone.awaited()) }
    for client in clients { #expect(client.rest() != nil) }
    for stream in held.streams.all {
      stream.write([1])
      stream.finish()
    }
    for exchange in held.exchanges.all { exchange.respond(HTTPResponse()) }
    #expect(held.server.connectionCount == 0)
  }

  @Test func requestsUnderWayOutliveTheListeningSocket() throws {
    let held = try Held(streaming: false)
    let client = try held.asked()
    held.server.stopAccepting()
    #expect(throws: TransportClient.Failure.self) { try TransportClient(held.server.port) }
    held.exchanges.all[0].respond(HTTPResponse(body: [65]))
    #expect(try client.response().text == "A")
  }
}
