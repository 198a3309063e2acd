import Lorikeet
import Testing
import Training

@Suite("The memory that training takes") struct TrainingMemoryTests {
  @Test("an adapter beyond it is refused before any of it is taken")
  func refusal() throws {
    let memory = TrainingMemory(rank: 65_536, layers: 210, values: 20_000_000_000)
    let error = #expect(throws: TrainingError.self) {
      try memory.check(available: 20_000_000_000)
    }
    #expect(error?.message.contains("rank 65536 on 210 layers") == true)
    #expect(error?.message.contains("480000 MB of memory, where 20000 MB are left") == true)
    try memory.check(available: 480_000_000_000)
    try memory.check(available: nil)
  }
}
