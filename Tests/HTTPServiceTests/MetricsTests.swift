import HTTPService
import JSON
import Lorikeet
import Testing
import Toys

/// Prometheus' text, as a scraper reads it.
@Suite struct MetricsTests {
  private struct Scrape {
    var types: [String: String] = [:]
    var helped: Set<String> = []
    var samples: [String: Double] = [:]

    /// Reads the text as strictly as Prometheus does.
    init(_ text: String) throws {
      #expect(text.hasSuffix("\n"))
      for line in text.split(separator: "\n") {
        if line.hasPrefix("#") {
          let words = line.split(separator: " ", maxSplits: 3)
          let name = String(words[2])
          if words[1] == "HELP" {
            #expect(helped.insert(name).inserted, "\(name) is helped twice")
          } else {
            #expect(words[1] == "TYPE" && helped.contains(name) && types[name] == nil)
            types[name] = String(words[3])
          }
          continue
        }
        let space = try #require(line.lastIndex(of: " "))
        let key = String(line[..<space])
        let value = try #require(Double(line[line.index(after: space)...]), "\(line)")
        #expect(samples[key] == nil, "\(key) comes twice")
        samples[key] = value
        let name = String(key.prefix { $0 != "{" })
        #expect(name.allSatisfy { $0.isASCII && ($0.isLowercase || $0 == "_") }, "\(name)")
        let family =
          ["_bucket", "_sum", "_count"].first { name.hasSuffix($0) }
          .map { String(name.dropLast($0.count)) }
          .flatMap { types[$0] == "histogram" ? $0 : nil } ?? name
        #expect(types[family] != nil, "\(name) has no TYPE")
        if types[family] == "counter" { #expect(name.hasSuffix("_total")) }
      }
    }

    func labels(_ family: String) -> [String] {
      samples.keys.filter { $0.hasPrefix(family + "{") }
    }
  }

  private func scrape(_ toy: ToyService) throws -> Scrape {
    let reply = try toy.get("/metrics")
    #expect(reply.header("content-type") == "text/plain; version=0.0.4; charset=utf-8")
    return try Scrape(reply.text)
  }

  @Test func countersGrowByWhatIsDone() throws {
    let toy = try ToyService()
    try toy.publish(1, as: "acme/a")
    #expect(try toy.say("acme/a", tokens: 7).status == 200)
    let before = try scrape(toy)
    for _ in 0..<3 { #expect(try toy.say("acme/a", tokens: 7).status == 200) }
    #expect(try toy.say("toy", tokens: 5).status == 200)
    #expect(try toy.say("none").status == 404)
    #expect(try toy.get("/nowhere").status == 404)
    #expect(eventually { toy.service.loop.statistics.running == 0 })
    let after = try scrape(toy)
    func grown(_ name: String) -> Double {
      (after.samples[name] ?? 0) - (before.samples[name] ?? 0)
    }
    #expect(before.types == after.types && before.types.count == 28)
    #expect(grown(#"lorikeet_requests_total{route="/v1/completions",status="200"}"#) == 4)
    #expect(grown(#"lorikeet_requests_total{route="/v1/completions",status="404"}"#) == 1)
    #expect(grown(#"lorikeet_requests_total{route="other",status="404"}"#) == 1)
    #expect(grown(#"lorikeet_adapter_requests_total{adapter="acme/a"}"#) == 3)
    #expect(grown(#"lorikeet_adapter_requests_total{adapter="base"}"#) == 1)
    #expect(grown(#"lorikeet_adapter_generated_tokens_total{adapter="acme/a"}"#) == 21)
    #expect(grown(#"lorikeet_adapter_prompt_tokens_total{adapter="acme/a"}"#) == 18)
    #expect(grown("lorikeet_generated_tokens_total") == 26)
    #expect(grown("lorikeet_adapter_hits_total") == 3 && grown("lorikeet_adapter_loads_total") == 0)
    #expect(grown("lorikeet_time_to_first_token_seconds_count") == 4)
    #expect(after.samples["lorikeet_adapters_resident"] == 1)
    #expect(after.samples["lorikeet_requests_running"] == 0)
    for (name, value) in before.samples
    where before.types[String(name.prefix { $0 != "{" })] == "counter" {
      #expect(after.samples[name] ?? -1 >= value, "\(name) shrank")
    }
  }

  @Test func whatIsRefusedBeforeItIsWholeIsCounted() throws {
    let toy = try ToyService { _, options in options.http.maximumBodyBytes = 100 }
    for head in ["Content-Length: 101", "Content-Length: 5\r\nContent-Length: 6"] {
      let client = try toy.client()
      client.send("POST /v1/completions HTTP/1.1\r\nHost: a\r\n\(head)\r\n\r\n")
      #expect(try [400, 413].contains(client.response().status))
    }
    let scrape = try scrape(toy)
    for status in [400, 413] {
      #expect(
        scrape.samples[#"lorikeet_requests_total{route="refused",status="\#(status)"}"#] == 1)
    }
  }

  @Test func bucketsAreCumulative() throws {
    let toy = try ToyService()
    for _ in 0..<3 { #expect(try toy.say("toy").status == 200) }
    let scrape = try scrape(toy)
    let histograms = scrape.types.filter { $0.value == "histogram" }.keys
    #expect(histograms.count == 4)
    for name in histograms {
      let buckets = scrape.samples.compactMap { key, value -> (Double, Double)? in
        guard key.hasPrefix(name + "_bucket{le=\""), key.hasSuffix("\"}") else { return nil }
        let bound = key.dropFirst(name.count + 12).dropLast(2)
        return (bound == "+Inf" ? .infinity : Double(bound) ?? .nan, value)
      }.sorted { $0.0 < $1.0 }
      #expect(buckets.count > 5 && buckets.last?.0 == .infinity)
      #expect(zip(buckets, buckets.dropFirst()).allSatisfy { $0.1 <= $1.1 })
      #expect(buckets.last?.1 == scrape.samples[name + "_count"])
      #expect(scrape.samples[name + "_sum"] ?? -1 >= 0)
    }
  }

  @Test func labelsDoNotGrowWithoutBound() throws {
    let toy = try ToyService()
    let adapter = try toy.adapter(1)
    for number in 0..<230 { try toy.registry.publishToy(adapter, as: "many/a\(number)") }
    let client = try toy.client()
    for number in 0..<230 {
      let body = ToyService.question("many/a\(number)", "x", tokens: 1)
      #expect(try client.ask("POST", "/v1/completions", body).status == 200)
    }
    for number in 0..<50 {
      #expect(try client.ask("GET", "/no/\(number)").status == 404)
      #expect(try client.ask("X\(number)", "/health").status == 405)
      #expect(try client.ask("GET", "/v1/models/none\(number)").status == 404)
    }
    let scrape = try scrape(toy)
    let labels = scrape.labels("lorikeet_adapter_requests_total")
    #expect(labels.count == 201)
    #expect(scrape.samples[#"lorikeet_adapter_requests_total{adapter="other"}"#] == 30)
    #expect(scrape.labels("lorikeet_requests_total").count < 10)
  }
}
