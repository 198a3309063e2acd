import Foundation
import Lorikeet
import Serving
import Synchronization

extension HTTPService {
  /// Everything that is counted, in Prometheus' text format 0.0.4; by name only the adapters that the call's key opens.
  func metricsText(for call: Call) -> String {
    let counted = metrics.snapshot
    let engine = service.loop.statistics
    let pool = service.loop.adapters.statistics
    var text = MetricsText()
    text.family("lorikeet_requests_total", "counter", "Requests answered, by route and status.")
    for (key, count) in counted.requests.sorted(by: {
      ($0.key.route, $0.key.status) < ($1.key.route, $1.key.status)
    }) {
      text.sample(count, [("route", key.route), ("status", "\(key.status)")])
    }
    text.histogram("lorikeet_request_seconds", "Time to answer a request.", counted.seconds)
    text.histogram("lorikeet_queue_seconds", "Time until an answer began.", counted.waiting)
    text.histogram(
      "lorikeet_time_to_first_token_seconds", "Time until the first token.", counted.firstToken)
    text.histogram(
      "lorikeet_time_per_token_seconds", "Time between tokens, of an answer.", counted.perToken)

    text.gauge("lorikeet_requests_running", "Answers being made.", engine.running)
    text.gauge("lorikeet_requests_waiting", "Answers that wait for a place.", engine.waiting)
    text.gauge("lorikeet_requests_loading", "Answers that wait for an adapter.", engine.loading)
    text.counter("lorikeet_steps_total", "Steps of the engine.", engine.steps)
    text.counter("lorikeet_step_seconds_total", "Time spent in steps.", engine.busySeconds)
    text.counter(
      "lorikeet_batched_requests_total", "Requests fed by all steps; over steps: the batch size.",
      engine.fedRequests)
    text.counter("lorikeet_prompt_tokens_total", "Tokens of prompts computed.", engine.promptTokens)
    text.counter(
      "lorikeet_prefix_cache_tokens_total", "Tokens of prompts taken from the prefix cache.",
      engine.cachedTokens)
    text.counter("lorikeet_generated_tokens_total", "Tokens made.", engine.generatedTokens)

    text.gauge("lorikeet_adapters_resident", "Adapters in memory.", pool.resident)
    text.counter("lorikeet_adapter_hits_total", "Answers whose adapter was in memory.", pool.hits)
    text.counter("lorikeet_adapter_loads_total", "Adapters loaded.", pool.loads)
    text.counter("lorikeet_adapter_evictions_total", "Adapters that had to go.", pool.evictions)
    text.counter(
      "lorikeet_adapter_refusals_total", "Adapters that found no room.", pool.refusals)
    text.gauge("lorikeet_adapter_bytes", "Memory of adapters.", pool.residentBytes)
    text.gauge("lorikeet_prefix_cache_bytes", "Memory of cached prefixes.", engine.prefixBytes)
    let budget = service.loop.adapters.budget
    text.gauge("lorikeet_memory_used_bytes", "Memory reserved of the budget.", budget.used)
    text.gauge("lorikeet_memory_budget_bytes", "The budget.", budget.capacity)
    text.gauge("lorikeet_connections", "Open connections.", connectionCount)
    text.gauge(
      "lorikeet_start_time_seconds", "When the server began.",
      service.started.timeIntervalSince1970)

    let adapters = counted.adapters.filter { call.opens($0.key) }.sorted { $0.key < $1.key }
    text.family("lorikeet_adapter_requests_total", "counter", "Answers, by adapter.")
    for (name, count) in adapters { text.sample(count.requests, [("adapter", name)]) }
    text.family("lorikeet_adapter_prompt_tokens_total", "counter", "Prompt tokens, by adapter.")
    for (name, count) in adapters { text.sample(count.promptTokens, [("adapter", name)]) }
    text.family("lorikeet_adapter_generated_tokens_total", "counter", "Tokens made, by adapter.")
    for (name, count) in adapters { text.sample(count.generatedTokens, [("adapter", name)]) }
    return text.text
  }
}

/// Prometheus' text format as it grows.
struct MetricsText {
  private(set) var text = ""
  private var name = ""

  /// Begins a family of samples.
  mutating func family(_ name: String, _ type: String, _ help: String) {
    self.name = name
    text += "# HELP \(name) \(help)\n# TYPE \(name) \(type)\n"
  }

  /// A sample of the family, with labels.
  mutating func sample(
    _ value: some CustomStringConvertible, _ labels: [(String, String)] = [], suffix: String = ""
  ) {
    let inside = labels.map { "\($0)=\"\(Self.escaped($1))\"" }.joined(separator: ",")
    text += name + suffix + (labels.isEmpty ? "" : "{\(inside)}") + " \(value)\n"
  }

  mutating func counter(_ name: String, _ help: String, _ value: some CustomStringConvertible) {
    family(name, "counter", help)
    sample(value)
  }

  mutating func gauge(_ name: String, _ help: String, _ value: some CustomStringConvertible) {
    family(name, "gauge", help)
    sample(value)
  }

  mutating func histogram(_ name: String, _ help: String, _ histogram: Histogram) {
    family(name, "histogram", help)
    for (bound, count) in zip(histogram.bounds, histogram.counts) {
      sample(count, [("le", "\(bound)")], suffix: "_bucket")
    }
    sample(histogram.count, [("le", "+Inf")], suffix: "_bucket")
    sample(histogram.sum, suffix: "_sum")
    sample(histogram.count, suffix: "_count")
  }

  private static func escaped(_ text: String) -> String {
    text.replacingOccurrences(of: "\\", with: "\\\\").replacingOccurrences(of: "\"", with: "\\\"")
      .replacingOccurrences(of: "\n", with: "\\n")
  }
}
