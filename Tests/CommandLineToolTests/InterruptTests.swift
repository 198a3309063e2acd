import CommandLineTool
import Glibc
import Testing

@Suite("Interrupts", .serialized) struct InterruptTests {
  @Test("the first signal sets the flag, and the default effect is back for the second")
  func twoSignals() {
    Interrupt.catchSignals([SIGURG])
    #expect(!Interrupt.isRequested)
    #expect(raise(SIGURG) == 0)
    #expect(Interrupt.isRequested)
    // SIGURG's default effect is none, so the second one changes nothing.
    Interrupt.reset()
    #expect(raise(SIGURG) == 0)
    #expect(!Interrupt.isRequested)
    Interrupt.release([SIGURG])
  }
}
