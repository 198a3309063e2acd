import Lorikeet
import Testing

@Suite("Gates") struct GateTests {
  @Test(
    "are read with and without spaces",
    arguments: [
      ("accuracy >= previous", "accuracy >= previous"), ("loss<base-0.1", "loss < base - 0.1"),
      ("macroF1 > previous + 0.02", "macroF1 > previous + 0.02"),
      ("perplexity <= 3.5", "perplexity <= 3.5"), ("exactMatch>=9e-1", "exactMatch >= 0.9"),
    ])
  func read(text: String, written: String) throws {
    #expect(try Gate(text).description == written)
    #expect(try Gate(written) == Gate(text))
  }

  @Test(
    "that make no sense are refused with what would",
    arguments: [
      ("", "no gate"), ("accuracy", "no gate"), ("accuracy >= ", "no gate"),
      ("acuracy >= 1", "did you mean 'accuracy'?"), ("accuracy >= nan", "no gate"),
      ("accuracy >= previous 0.1", "no gate"), ("accuracy >= 0x10", "no gate"),
      ("accuracy = 1", "no gate"), ("loss <= inf", "no gate"),
      (">= 1", "is no figure"), ("accuracy >= previous++1", "no gate"),
    ])
  func refused(text: String, part: String) {
    let error = #expect(throws: WorkspaceError.self) { try Gate(text) }
    #expect(error?.message.contains(part) == true, "\(error?.message ?? "-")")
  }
}
