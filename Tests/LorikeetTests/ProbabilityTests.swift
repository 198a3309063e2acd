import Lorikeet
import Testing

@Suite("Probabilities") struct ProbabilityTests {
  @Test(
    "one that is too small to write is told by its bound, in the terminal as on the page",
    arguments: [(0.0, "<0.001"), (0.000_99, "<0.001"), (0.001, "0.001"), (0.0312, "0.031")])
  func text(value: Double, text: String) { #expect(probability(value) == text) }
}
