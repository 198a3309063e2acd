import Serving
import Testing

@Suite struct SchedulerTests {
  private func scheduler(streams: Int = 4, rows: Int = 32, beside: Int = 8) -> Scheduler {
    var limits = Scheduler.Limits()
    limits.streams = streams
    limits.rowsPerStep = rows
    limits.promptRowsBesideTokens = beside
    return Scheduler(limits: limits)
  }

  /// Admits whoever fits, and tells whom.
  private func admitted(_ scheduler: inout Scheduler) -> [Int] {
    var ids: [Int] = []
    scheduler.admit {
      ids.append($0)
      return .started
    }
    return ids
  }

  @Test func aLongPromptGoesInPiecesBesideTheTokensOfOthers() {
    var scheduler = scheduler()
    scheduler.add(1, tenant: "a", promptTokens: 3)
    scheduler.add(2, tenant: "a", promptTokens: 100)
    #expect(admitted(&scheduler) == [1, 2])
    #expect(scheduler.plan() == [1: 3, 2: 29])
    scheduler.charge(1, rows: 3)
    scheduler.charge(2, rows: 29)
    #expect(scheduler.plan() == [1: 1, 2: 9])
    scheduler.skip(2, tokens: 67)
    #expect(scheduler.plan() == [1: 1, 2: 4])
    scheduler.remove(1)
    #expect(scheduler.plan() == [2: 4])
  }

  @Test func oneTenantsHundredDoNotStarveAnothersOne() {
    var scheduler = scheduler(streams: 4)
    for id in 0..<100 { scheduler.add(id, tenant: "many", promptTokens: 10) }
    #expect(admitted(&scheduler) == [0, 1, 2, 3])
    scheduler.add(100, tenant: "one", promptTokens: 10)
    scheduler.remove(0)
    #expect(admitted(&scheduler) == [100])
    // Back again: it is owed nothing for the time it was away, and starts even with the others.
    scheduler.remove(100)
    scheduler.add(101, tenant: "one", promptTokens: 10)
    scheduler.add(102, tenant: "one", promptTokens: 10)
    scheduler.remove(1)
    #expect(admitted(&scheduler) == [101, 4])
  }

  @Test func tenantsOfOneLoadGetEqualShares() {
    var scheduler = scheduler(streams: 2)
    for id in 0..<60 { scheduler.add(id, tenant: id < 40 ? "a" : "b", promptTokens: 10) }
    var ended: [Int] = []
    for _ in 0..<20 {
      _ = admitted(&scheduler)
      for id in scheduler.plan().keys.sorted() {
        scheduler.charge(id, rows: 10)
        scheduler.charge(id, rows: 5)
        scheduler.remove(id)
        ended.append(id)
      }
    }
    #expect(ended.count == 40 && ended.count { $0 < 40 } == 20)
  }

  @Test func oneThatIsNotReadyIsAskedOnceAndInTurn() {
    var scheduler = scheduler(streams: 3)
    for id in 0..<5_000 { scheduler.add(id, tenant: "\(id % 50)", promptTokens: 10) }
    var asked: [Int] = []
    scheduler.admit {
      asked.append($0)
      return $0 % 1_000 == 999 ? .started : .notReady
    }
    #expect(scheduler.runningCount == 3 && Set(asked).count == asked.count)
    // All have been given nothing: the oldest first.
    #expect(asked.prefix(1_000).elementsEqual(0..<1_000))
    // A tenant that runs comes after those that do not.
    #expect(asked.dropFirst(1_000).first == 1_000 && asked.last == 2_999)
  }

  @Test func nobodyOvertakesWhoDoesNotFitButAColdAdapterHoldsUpNobody() {
    var scheduler = scheduler()
    for id in 0..<3 { scheduler.add(id, tenant: "a", promptTokens: 1) }
    var asked: [Int] = []
    scheduler.admit {
      asked.append($0)
      return .noRoom
    }
    #expect(asked == [0] && scheduler.waitingCount == 3 && scheduler.nextID == 0)
    scheduler.admit { $0 == 0 ? .notReady : .started }
    #expect(scheduler.runningCount == 2 && scheduler.waitingCount == 1)
    #expect(admitted(&scheduler) == [0])
  }
}
