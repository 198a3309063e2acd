import JSON
import Lorikeet
import Synchronization

extension Route {
  static let status: [Route] = [
    Route("GET", "/health", .open) { http, _ in
      http.isDraining.load(ordering: .relaxed)
        ? .json(["status": "stopping"], status: 503) : .json(["status": "ok"])
    },
    Route("GET", "/version", .open) { _, _ in .json(["version": .string(Workspace.program)]) },
    Route("GET", "/metrics") { http, call in
      .text(http.metricsText(for: call), type: "text/plain; version=0.0.4; charset=utf-8")
    },
  ]
}
