import Foundation
import Glibc
import HTTPService
import JSON
import Lorikeet
import Models
import Registry
import Tensors

extension Tool {
  static let serve = Command(
    CommandSpec(
      "serve", group: "Use", summary: "serve a base and all adapters over HTTP, as OpenAI's API",
      details: [
        "A request's 'model' is the base's name, or name, name@3 or name:alias. Names are looked up for each request: an "
          + "alias that is moved, here or by another command, leads to its new version at once, and answers under way "
          + "finish on the old one.",
        "Routes: /v1/chat/completions, /v1/completions, /v1/models, /tokenize, /health, /metrics, and /admin/... for who "
          + "may change the registry. Once the registry has a key ('lorikeet key add'), every request needs one.",
        "Ctrl-C or SIGTERM takes no more requests and finishes those under way; a second one stops at once.",
      ],
      options: [
        OptionSpec("port", "N", help: "where to listen (default 8080; 0 takes a free one)"),
        OptionSpec("host", "ADDRESS", help: "the address to listen on (default 127.0.0.1)"),
        OptionSpec("base", "NAME", help: "the base, where there are several"),
        weightsOption,
        OptionSpec(
          "memory", "SIZE",
          help:
            "for adapters, caches of requests and prefixes together (default 2GB, or three quarters of what is left)"
        ),
        OptionSpec("streams", "N", help: "answers made together at most (default 64)"),
        OptionSpec("queue", "N", help: "requests that may wait (default 512)"),
        OptionSpec(
          "max-tokens", "N", help: "tokens of an answer whose request names none (default 1024)"),
        OptionSpec("timeout", "SECONDS", help: "give a request up after so long (default 600)"),
        OptionSpec(
          "adapter-folder", "DIR", section: "Access",
          help: "let /v1/load_lora_adapter publish adapters from below it"),
        OptionSpec("tls-cert", "FILE", section: "Access", help: "serve HTTPS: certificate, PEM"),
        OptionSpec("tls-key", "FILE", section: "Access", help: "serve HTTPS: its key, PEM"),
        OptionSpec(
          "open", section: "Access", help: "listen beyond this machine without any key, knowingly"),
        OptionSpec("log", help: "a line for each request on the error stream, never its text"),
      ],
      examples: [
        ExampleSpec("lorikeet serve", "on this machine's port 8080"),
        ExampleSpec("lorikeet serve --port 9000 --memory 4GB --log", "more room, and a log"),
        ExampleSpec("lorikeet serve --host 0.0.0.0", "for others; needs a key in the registry"),
      ])
  ) { session in
    Interrupt.hold()
    raiseFileLimit()
    let options = try session.serviceOptions()
    // Whoever reads what is written may leave: that is no reason to end.
    _ = Glibc.signal(SIGPIPE, SIG_IGN)
    let log = session.arguments.flag("log") ? LogWriter(STDERR_FILENO) : nil
    defer { log?.finish(within: 1) }
    let httpOptions = try session.httpOptions(log: log)
    let workspace = try session.workspace()
    try session.checkDoor(httpOptions, workspace.registry)
    let service = try workspace.serve(session.arguments.string("base"), options: options)
    let server: HTTPService
    do { server = try HTTPService(service, options: httpOptions) } catch {
      service.stop()
      throw error
    }
    session.tellMemory(of: service)
    try session.tell(server, service, httpOptions)
    Interrupt.wait()
    let engine = service.loop.statistics
    let left = engine.running + engine.waiting + engine.loading
    session.console.note(
      left == 0 ? "stopping" : "finishing \(counted(left, "answer")); once more stops at once")
    let second = Thread {
      Interrupt.wait()
      server.stop()
    }
    second.start()
    server.drain()
    withExtendedLifetime(workspace) {}
  }
}

extension Session {
  fileprivate func serviceOptions() throws -> ServiceOptions {
    var options = ServiceOptions()
    if let text = arguments.string("memory") {
      guard let bytes = parsedSize(text), bytes >= 1_000_000 else {
        throw arguments.misuse("--memory takes a size of at least 1MB such as 2GB, not '\(text)'")
      }
      options.memoryBytes = bytes
    }
    options.limits.streams = try arguments.integer("streams", in: 1...512) ?? options.limits.streams
    options.limits.waiting =
      try arguments.integer("queue", in: 0...100_000) ?? options.limits.waiting
    options.maximumTokens =
      try arguments.integer("max-tokens", in: 1...1_000_000) ?? options.maximumTokens
    options.patience = try arguments.number("timeout", from: 1, to: 86_400) ?? options.patience
    return options
  }

  fileprivate func httpOptions(log: LogWriter?) throws -> HTTPService.Options {
    var options = HTTPService.Options()
    options.http.port = try arguments.integer("port", in: 0...65_535) ?? 8080
    options.http.address = arguments.string("host") ?? options.http.address
    options.adapterFolder = arguments.string("adapter-folder")
    if let folder = options.adapterFolder {
      var isFolder: ObjCBool = false
      guard unsafe FileManager.default.fileExists(atPath: folder, isDirectory: &isFolder),
        isFolder.boolValue
      else { throw arguments.misuse("--adapter-folder: there is no folder '\(folder)'") }
    }
    let (certificate, key) = (arguments.string("tls-cert"), arguments.string("tls-key"))
    guard (certificate == nil) == (key == nil) else {
      throw arguments.misuse("--tls-cert and --tls-key go together")
    }
    if let certificate, let key {
      options.http.tls = .init(
        certificate: try pem("tls-cert", certificate), key: try pem("tls-key", key))
    }
    if let log { options.log = { log.write($0) } }
    return options
  }

  private func pem(_ flag: String, _ path: String) throws -> String {
    do {
      return String(decoding: try RegularFile.bytes(path: path, limit: 1 << 20), as: UTF8.self)
    } catch { throw arguments.misuse("--\(flag): \(oneLine(error))") }
  }

  /// Whoever listens beyond this machine has a key in the registry, or says that it is meant so.
  fileprivate func checkDoor(_ options: HTTPService.Options, _ registry: Registry) throws {
    let host = options.http.address
    guard !host.hasPrefix("127."), host != "::1", host != "localhost", !arguments.flag("open")
    else { return }
    guard try registry.keys().allSatisfy({ $0.revoked != nil }) else { return }
    throw arguments.misuse(
      "--host \(host) lets others in, and the registry has no key: 'lorikeet key add NAME' makes "
        + "one, --open goes without")
  }

  /// Says where adapters and caches get less than they usually do, or are promised more than there is.
  fileprivate func tellMemory(of service: Service) {
    guard let left = service.memoryLeft else { return }
    let budget = humanSize(service.memoryBytes)
    if service.memoryBytes > left {
      console.note(
        "note: adapters and caches may take \(budget), and \(humanSize(left)) of memory are left beside the base: "
          + "the system may end this server when they do")
    } else if service.options.memoryBytes == nil, service.memoryBytes < 2 << 30 {
      console.note(
        "note: adapters and caches get \(budget) of the \(humanSize(left)) of memory that are left beside the base"
      )
    }
  }

  /// Says where it listens, and a line that works.
  fileprivate func tell(_ server: HTTPService, _ service: Service, _ options: HTTPService.Options)
    throws
  {
    let base = service.base.record.facts
    var query = ListQuery()
    query.base = base.fingerprint
    let adapters = try service.read { try $0.list(query) }
    let host =
      ["0.0.0.0", "::"].contains(options.http.address) ? "127.0.0.1" : options.http.address
    let shown = host.contains(":") ? "[\(host)]" : host
    let scheme = options.http.tls == nil ? "http" : "https"
    let address = "\(scheme)://\(shown):\(server.port)"
    let everywhere = host == options.http.address ? "" : ", and all of this machine's addresses"
    if console.json {
      return console.event([
        "address": .string(address), "port": .int(server.port), "base": .string(base.name),
        "adapters": .int(adapters.count), "memory": .int(service.memoryBytes),
      ])
    }
    console.line(
      "serving \(base.name) (\(service.base.model.weights.rawValue)) and "
        + "\(counted(adapters.count, "adapter")) on \(address)\(everywhere)")
    let isKeyed = try service.read { try !$0.keys().isEmpty }
    console.line(
      "try: curl \(options.http.tls == nil ? "" : "-k ")\(address)/v1/chat/completions"
        + (isKeyed ? " -H \"Authorization: Bearer $OPENAI_API_KEY\"" : "")
        + " -d '{\"model\": \"\(adapters.first?.name ?? base.name)\", \"messages\": "
        + "[{\"role\": \"user\", \"content\": \"Hello!\"}]}'")
  }
}

/// Lets this process have as many files open as it may: each connection is one.
private func raiseFileLimit() {
  var limit = rlimit()
  guard unsafe getrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limit) == 0 else { return }
  limit.rlim_cur = limit.rlim_max
  _ = unsafe setrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limit)
}
