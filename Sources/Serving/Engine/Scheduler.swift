/// Decides which requests run and how many rows each gets in a step: a pure struct.
///
/// Tenants (API keys, or adapters) are served evenly: each has a counter of the tokens that it was given, and a place
/// that falls free goes to the waiting tenant with the lowest (virtual token counter; Sheng et al., 2024). A tenant
/// that comes back starts no lower than those who are there. Long prompts are fed in pieces beside the others' tokens.
package struct Scheduler {
  /// How much goes on at a time.
  package struct Limits: Sendable {
    /// Requests that run at a time.
    package var streams = 64
    /// Rows of a step.
    package var rowsPerStep = 512
    /// Rows of prompts in a step that makes tokens as well, besides one for each of these: they make everybody wait.
    package var promptRowsBesideTokens = 64

    /// The defaults.
    package init() {}
  }

  /// What a token costs: one that is made takes a pass over the weights, those of a prompt, which count as soon as it
  /// starts, share one.
  private static let (promptCost, tokenCost) = (1.0, 2.0)

  private struct Entry {
    let id: Int
    let tenant: String
    var remainingPrompt: Int
  }

  package let limits: Limits
  private var waiting: [Entry] = []
  private var running: [Entry] = []
  /// What tenants who wait or run have been given.
  private var given: [String: Double] = [:]

  package init(limits: Limits = Limits()) { self.limits = limits }

  /// Requests that wait.
  package var waitingCount: Int { waiting.count }
  /// Requests that run.
  package var runningCount: Int { running.count }

  /// Lets a request wait for its turn.
  package mutating func add(_ id: Int, tenant: String, promptTokens: Int) {
    if given[tenant] == nil { given[tenant] = given.values.min() ?? 0 }
    waiting.append(Entry(id: id, tenant: tenant, remainingPrompt: promptTokens))
  }

  /// What came of the attempt to start a request.
  package enum Start {
    /// It runs.
    case started
    /// Its adapter is on its way: others may go first.
    case notReady
    /// There is no room for it: it keeps its turn, and nobody overtakes it, so that a large request is not starved.
    case noRoom
  }

  /// Takes in waiting requests while there are places, in their turn.
  /// - Parameter start: Starts a request, if it can.
  package mutating func admit(_ start: (Int) -> Start) {
    var tried: Set<Int> = []
    // Whoever starts changes the turns of the others; those that cannot start yet do not.
    search: while running.count < limits.streams {
      for entry in inTurn(waiting.filter { !tried.contains($0.id) }) {
        switch start(entry.id) {
        case .started:
          waiting.removeAll { $0.id == entry.id }
          running.append(entry)
          given[entry.tenant, default: 0] += Double(entry.remainingPrompt) * Scheduler.promptCost
          continue search
        case .notReady: tried.insert(entry.id)
        case .noRoom: return
        }
      }
      return
    }
  }

  /// The waiting request whose turn is next.
  package var nextID: Int? { inTurn(waiting).first?.id }

  /// Requests of the tenants who were given least first; of equals, of the one with fewer running; then the oldest.
  private func inTurn(_ entries: [Entry]) -> [Entry] {
    var counts: [String: Int] = [:]
    for entry in running { counts[entry.tenant, default: 0] += 1 }
    return entries.enumerated()
      .map { (entry: $1, turn: (given[$1.tenant] ?? 0, counts[$1.tenant] ?? 0, $0)) }
      .sorted { $0.turn < $1.turn }
      .map(\.entry)
  }

  /// How many rows each running request gets in the next step.
  package func plan() -> [Int: Int] {
    var rows: [Int: Int] = [:]
    for entry in running where entry.remainingPrompt == 0 { rows[entry.id] = 1 }
    var room =
      rows.isEmpty
      ? limits.rowsPerStep
      : min(limits.rowsPerStep - rows.count, limits.promptRowsBesideTokens + rows.count)
    let prompts = running.filter { $0.remainingPrompt > 0 }
    // Sorted by tenant's counter; the sort is stable by the order of arrival.
    let order = prompts.indices.sorted {
      let (a, b) = (given[prompts[$0].tenant] ?? 0, given[prompts[$1].tenant] ?? 0)
      return (a, $0) < (b, $1)
    }
    for index in order where room > 0 {
      let count = min(prompts[index].remainingPrompt, room)
      rows[prompts[index].id] = count
      room -= count
    }
    return rows
  }

  /// Counts `rows` rows of the request as computed.
  package mutating func charge(_ id: Int, rows: Int) {
    guard let place = running.firstIndex(where: { $0.id == id }) else { return }
    let ofPrompt = min(rows, running[place].remainingPrompt)
    running[place].remainingPrompt -= ofPrompt
    given[running[place].tenant, default: 0] += Double(rows - ofPrompt) * Scheduler.tokenCost
  }

  /// Counts `tokens` of the request's prompt as known: they cost nothing.
  package mutating func skip(_ id: Int, tokens: Int) {
    guard let place = running.firstIndex(where: { $0.id == id }) else { return }
    running[place].remainingPrompt -= tokens
    given[running[place].tenant, default: 0] -= Double(tokens) * Scheduler.promptCost
  }

  /// Forgets a request, waiting or running.
  package mutating func remove(_ id: Int) {
    let all = running + waiting
    guard let tenant = all.first(where: { $0.id == id })?.tenant else { return }
    running.removeAll { $0.id == id }
    waiting.removeAll { $0.id == id }
    if !all.contains(where: { $0.id != id && $0.tenant == tenant }) { given[tenant] = nil }
  }
}
