import HTTPService
import Testing

/// Requests with whole answers, on a live server.
@Suite(.serialized) struct TransportRequestTests {
  /// Answers with what it was asked.
  private func echo(_ change: (inout HTTPServerOptions) -> Void = { _ in }) throws -> HTTPServer {
    var options = HTTPServerOptions()
    change(&options)
    return try HTTPServer(options: options) { exchange in
      let request = exchange.request
      let query = request.query.map { "\($0.name)=\($0.value)" }.joined(separator: ",")
      exchange.respond(
        HTTPResponse(
          status: request.path == "/missing" ? 404 : 200,
          headers: [("X-Said", request.header("x-say") ?? "")],
          body: Array("\(request.method) \(request.path) \(query) ".utf8) + request.body))
    }
  }

  @Test func aConnectionServesRequestsInTurn() throws {
    let server = try echo()
    let client = try TransportClient(server.port)
    for number in 0..<5 {
      #expect(try client.get("/\(number)").text == "GET /\(number)  ")
    }
    #expect(server.connectionCount == 1)
  }

  @Test func pipelinedRequestsAreAnsweredInOrder() throws {
    let server = try echo()
    let client = try TransportClient(server.port)
    let requests = (0..<50).map {
      $0 % 2 == 0
        ? "GET /\($0) HTTP/1.1\r\nHost: a\r\n\r\n"
        : "POST /\($0) HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\n\r\nabc"
    }
    client.send(requests.joined())
    for number in 0..<50 {
      let wanted = number % 2 == 0 ? "GET /\(number)  " : "POST /\(number)  abc"
      #expect(try client.response().text == wanted)
    }
  }

  @Test func targetsAreDecoded() throws {
    let server = try echo()
    let client = try TransportClient(server.port)
    let response = try client.get("/a%20b%2Fc+d/%C3%A4?x=1+2&y=%3D%26&z")
    #expect(response.text == "GET /a b/c+d/ä x=1 2,y==&,z= ")
    // As clients ask proxies.
    for (target, wanted) in [
      ("http://a.example:80/b?c=d", "GET /b c=d "), ("https://a", "GET /  "),
      ("http://a/%20", "GET /   "),
    ] {
      #expect(try client.get(target).text == wanted)
    }
  }

  @Test func aPeerOfIPv4IsOneOnEverySocket() throws {
    for address in ["127.0.0.1", "::"] {
      var options = HTTPServerOptions()
      options.address = address
      let server = try HTTPServer(options: options) { exchange in
        exchange.respond(HTTPResponse(body: Array(exchange.request.peer.utf8)))
      }
      #expect(try TransportClient(server.port).get("/").text == "127.0.0.1", "\(address)")
    }
  }

  @Test(arguments: [
    "/a%00b", "/%ff", "/%4", "/%zz", "/%", "/?a=%00", "/?%ff=1", "*", "ftp://a/b", "http:/a",
    "/\u{ff}%c3",
  ])
  func aBrokenTargetIsRefused(target: String) throws {
    let server = try echo()
    #expect(try TransportClient(server.port).get(target).status == 400)
  }

  @Test(arguments: [
    [UInt8]("X-Say: ".utf8) + [0xff], [UInt8]("X".utf8) + [0xff] + [UInt8](": a".utf8),
    [UInt8]("Content-Length: 1\r\nContent-Length: 2".utf8),
    [UInt8]("Content-Length: 1\r\nTransfer-Encoding: chunked".utf8),
    [UInt8]("Content-Length: 99999999999999999999999999".utf8),
  ])
  func aBrokenHeaderIsRefused(header: [UInt8]) throws {
    let server = try echo()
    let client = try TransportClient(server.port)
    client.send(Array("POST / HTTP/1.1\r\nHost: a\r\n".utf8) + header + Array("\r\n\r\n".utf8))
    #expect([400, 413].contains(try client.response().status))
    #expect(client.rest() != nil)
    #expect(eventually { server.connectionCount == 0 })
  }

  @Test func statusesAndHeadersReachTheClient() throws {
    let server = try echo()
    let client = try TransportClient(server.port)
    client.send("GET /missing HTTP/1.1\r\nHost: a\r\nX-Say: héllo\r\n\r\n")
    let response = try client.response()
    #expect(response.status == 404)
    #expect(response.head.contains("\r\nX-Said: héllo\r\n"))
  }

  @Test func aHeaderCannotBeginAnother() throws {
    let server = try HTTPServer(options: HTTPServerOptions()) { exchange in
      exchange.respond(HTTPResponse(headers: [("X-A", "1\r\nX-B: 2\n\u{0}3")]))
    }
    let response = try TransportClient(server.port).get("/")
    #expect(response.head.contains("\r\nX-A: 1  X-B: 2  3\r\n"))
  }

  @Test func headHasNoBody() throws {
    let server = try echo()
    let client = try TransportClient(server.port)
    client.send("HEAD /a HTTP/1.1\r\nHost: a\r\n\r\n")
    let response = try client.response(to: "HEAD")
    #expect(response.head.contains("\r\nContent-Length: 9\r\n"))
    #expect(try client.get("/b").text == "GET /b  ")
  }

  @Test func aClientMayWaitForContinue() throws {
    let server = try echo()
    let client = try TransportClient(server.port)
    client.send("POST /a HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\nExpect: 100-continue\r\n\r\n")
    #expect(try client.response().status == 100)
    client.send("abc")
    #expect(try client.response().text == "POST /a  abc")
  }

  @Test func bodiesComeWholeAtAnySize() throws {
    let server = try echo()
    let client = try TransportClient(server.port)
    for size in [0, 1, 65_536, 1 << 20, 8 << 20] {
      client.send("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: \(size)\r\n\r\n")
      let body = (0..<size).map { UInt8(truncatingIfNeeded: $0 &* 31) }
      client.send(body)
      #expect(try client.response().body == Array("POST /  ".utf8) + body)
    }
    client.send("POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n")
    client.send("3\r\nabc\r\n2;x=y\r\nde\r\n0\r\n\r\n")
    #expect(try client.response().text == "POST /  abcde")
  }

  @Test func aLargeBodyIsRefusedBeforeItIsRead() throws {
    let server = try echo { $0.maximumBodyBytes = 1000 }
    let client = try TransportClient(server.port)
    client.send("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 1001\r\n\r\n")
    #expect(try client.response().status == 413)
    #expect(client.rest() == [])
    #expect(eventually { server.connectionCount == 0 })
  }

  @Test func aClientThatSendsALargeBodyAllTheSameReadsItsAnswer() throws {
    let server = try echo { $0.maximumBodyBytes = 1000 }
    let client = try TransportClient(server.port)
    client.send("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 8000000\r\n\r\n")
    #expect(client.send([UInt8](repeating: 0, count: 8_000_000)))
    #expect(try client.response().status == 413)
  }

  @Test func aLargeChunkedBodyIsRefused() throws {
    let server = try echo { $0.maximumBodyBytes = 1000 }
    let client = try TransportClient(server.port)
    client.send("POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n")
    client.send("3e8\r\n" + String(repeating: "a", count: 1000) + "\r\n")
    client.send("1\r\nb\r\n0\r\n\r\n")
    #expect(try client.response().status == 413)
    #expect(client.rest() == [])
    #expect(eventually { server.connectionCount == 0 })
  }

  @Test func anEndlessChunkedBodyIsCut() throws {
    let server = try echo { $0.maximumBodyBytes = 1000 }
    let client = try TransportClient(server.port)
    client.send("POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n")
    for _ in 0..<10 { client.send("3e8\r\n" + String(repeating: "a", count: 1000) + "\r\n") }
    #expect(client.rest() == [])
    #expect(eventually { server.connectionCount == 0 })
  }

  @Test func aFloodOfHeadersIsRefused() throws {
    let server = try echo()
    let client = try TransportClient(server.port)
    client.send("GET / HTTP/1.1\r\nX: \(String(repeating: "a", count: 40_000))\r\n\r\n")
    #expect(try client.response().status == 431)
    #expect(client.rest() != nil)
    #expect(eventually { server.connectionCount == 0 })
  }
}
