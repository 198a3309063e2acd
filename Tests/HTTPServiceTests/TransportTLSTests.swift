import Foundation
import HTTPService
import Testing

private let hasTools = ["openssl", "curl"].allSatisfy {
  FileManager.default.isExecutableFile(atPath: "/usr/bin/\($0)")
}

/// HTTPS, with a certificate that `openssl` makes and a client that is `curl`.
@Suite(.serialized, .enabled(if: hasTools, "needs openssl and curl"))
struct TransportTLSTests {
  /// What a command writes to its standard output.
  private static func output(_ command: String, _ arguments: String...) throws -> String {
    let process = Process()
    process.executableURL = URL(fileURLWithPath: "/usr/bin/\(command)")
    process.arguments = arguments
    let pipe = Pipe()
    process.standardOutput = pipe
    process.standardError = FileHandle.nullDevice
    try process.run()
    let data = try pipe.fileHandleForReading.readToEnd() ?? Data()
    process.waitUntilExit()
    return String(decoding: data, as: UTF8.self)
  }

  private static func certificate() throws -> HTTPServerOptions.TLS {
    let folder = FileManager.default.temporaryDirectory.appendingPathComponent(UUID().uuidString)
    try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
    defer { try? FileManager.default.removeItem(at: folder) }
    let key = folder.appendingPathComponent("key.pem")
    let certificate = try output(
      "openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1",
      "-nodes", "-keyout", key.path, "-subj", "/CN=localhost", "-days", "2")
    return .init(certificate: certificate, key: try String(contentsOf: key, encoding: .utf8))
  }

  @Test func answersAndStreamsGoThroughTLS() throws {
    var options = HTTPServerOptions()
    options.tls = try Self.certificate()
    let server = try HTTPServer(options: options) { exchange in
      guard exchange.request.path == "/stream" else {
        exchange.respond(HTTPResponse(body: exchange.request.body))
        return
      }
      let stream = exchange.stream()
      for number in 0..<1000 { stream.write(Array("\(number)\n".utf8)) }
      stream.finish()
    }
    let base = "https://127.0.0.1:\(server.port)"
    #expect(try Self.output("curl", "-sk", "-d", "hello", base + "/") == "hello")
    let numbers = (0..<1000).map { "\($0)\n" }.joined()
    #expect(try Self.output("curl", "-sk", base + "/stream") == numbers)
    #expect(eventually { server.connectionCount == 0 })
    // A plain request gets no plain answer.
    #expect(try Self.output("curl", "-s", "http://127.0.0.1:\(server.port)/") == "")
  }

  @Test func aClientThatLeavesIsNoticedThroughTLS() throws {
    let began = Happening()
    let gone = Happening()
    let exchanges = Box<HTTPExchange>()
    var options = HTTPServerOptions()
    options.tls = try Self.certificate()
    let server = try HTTPServer(options: options) { exchange in
      exchange.onDisconnect { gone.happen() }
      exchanges.put(exchange)
      began.happen()
    }
    let url = "https://127.0.0.1:\(server.port)/"
    #expect(try Self.output("curl", "-sk", "--max-time", "1", url) == "")
    #expect(began.awaited())
    #expect(gone.awaited())
    #expect(eventually { server.connectionCount == 0 })
  }

  @Test func aWrongCertificateIsAClearError() throws {
    let (one, other) = (try Self.certificate(), try Self.certificate())
    let wrong: [HTTPServerOptions.TLS] = [
      .init(certificate: "", key: one.key), .init(certificate: one.certificate, key: ""),
      .init(certificate: one.certificate, key: other.key),
      .init(certificate: one.certificate.replacing("A", with: "B"), key: one.key),
    ]
    for tls in wrong {
      var options = HTTPServerOptions()
      options.tls = tls
      let error = #expect(throws: HTTPServerError.self) {
        try HTTPServer(options: options) { _ in }
      }
      #expect(error?.code == .badCertificate)
    }
  }
}
