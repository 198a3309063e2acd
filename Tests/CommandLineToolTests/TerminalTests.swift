import CommandLineTool
import Foundation
import Testing

@Suite("Texts for a terminal") struct TerminalTests {
  @Test(
    "columns are counted as terminals do",
    arguments: [
      ("abc", 3), ("", 0), ("日本語", 6), ("e\u{301}", 1), ("👩‍👩‍👧", 2), ("☀️", 2), ("한글", 4),
      ("ｆ", 2), ("\u{200B}", 0), ("→…", 2), ("🇩🇪", 2),
    ])
  func widths(text: String, width: Int) { #expect(displayWidth(text) == width) }

  @Test("a cut text is never wider than asked for and ends in an ellipsis", arguments: 0...8)
  func cut(width: Int) {
    for text in ["abcdefghij", "日本語日本語", "a日b本c語d"] {
      let short = truncated(text, to: width)
      #expect(displayWidth(short) <= width)
      #expect(width == 0 || short.hasSuffix("…"))
    }
    #expect(truncated("abc", to: 3) == "abc")
  }

  @Test("what could steer a terminal is made visible")
  func harmlessText() {
    #expect(harmless("a\u{1B}[2Jb\r\n\tc\u{202E}") == "a\u{FFFD}[2Jb\u{FFFD}\n\tc\u{FFFD}")
    #expect(harmless("a\nb\tc", keepsLines: false) == "a b c")
  }

  @Test("a table leans numbers to the right and fits its width")
  func table() {
    var table = Table([.init("NAME"), .init("SIZE", isNumber: true), .init("NOTE")])
    table.add(["日本", "9 B", "short"])
    table.add(["a", "98.4 MB", "a long note that does not fit"])
    let head = ["NAME     SIZE  NOTE", "日本      9 B  short"]
    #expect(table.lines() == head + ["a     98.4 MB  a long note that does not fit"])
    #expect(table.lines(width: 25) == head + ["a     98.4 MB  a long no…"])
    for width in 20...60 {
      #expect(table.lines(width: width).allSatisfy { displayWidth($0) <= width })
    }
  }

  @Test(
    "sizes are in powers of a thousand",
    arguments: [
      (0, "0 B"), (999, "999 B"), (1000, "1.0 kB"), (98_362_432, "98.4 MB"), (999_950, "1.0 MB"),
    ])
  func sizes(bytes: Int, text: String) { #expect(humanSize(bytes) == text) }

  @Test(
    "durations are told in the two units that matter",
    arguments: [
      (0.0004, "0.4 ms"), (0.42, "0.42 s"), (12.34, "12.3 s"), (253, "4 min 13 s"),
      (7500, "2 h 5 min"), (-1, "-"), (.nan, "-"),
    ])
  func durations(seconds: Double, text: String) { #expect(humanDuration(seconds: seconds) == text) }

  @Test(
    "a clock shows minutes and seconds",
    arguments: [(7, "0:07"), (723, "12:03"), (7500, "2:05:00"), (.infinity, "-:--")])
  func clocks(seconds: Double, text: String) { #expect(clockDuration(seconds: seconds) == text) }

  @Test(
    "ages are told in the largest unit",
    arguments: [
      (-5, "just now"), (59, "just now"), (60, "1 minute ago"), (7300, "2 hours ago"),
      (259_200, "3 days ago"),
    ])
  func ages(seconds: Double, text: String) {
    let now = Date(timeIntervalSince1970: 1e9)
    #expect(humanAge(now.addingTimeInterval(-seconds), now: now) == text)
  }

  @Test("a curve falls from the full block to the lowest")
  func curve() {
    #expect(sparkline([8, 7, 6, 5, 4, 3, 2, 1]) == "█▇▆▅▄▃▂▁")
    #expect(sparkline([4, 4, 2, 2, .nan, 0, 0], width: 3) == "█▅▁")
    #expect(sparkline([1, 1]) == "▁▁")
    #expect(sparkline([]).isEmpty)
  }

  @Test("a progress line keeps its width: the bar gives way first")
  func progress() {
    let line = ProgressLine(
      done: 12, total: 30, figures: ["loss 0.231", "412 tok/s"], secondsLeft: 63)
    let tail = "12/30  loss 0.231  412 tok/s  1:03 left"
    #expect(line.text(width: 100) == "[============>                 ]  " + tail)
    #expect(line.text(width: 51) == "[===>    ]  " + tail)
    #expect(line.text(width: 20) == "12/30  loss 0.231  …")
    for width in 1...90 { #expect(displayWidth(line.text(width: width)) <= width) }
    #expect(ProgressLine(done: 0, total: 0).text(width: 40).hasPrefix("[>"))
    #expect(line.plainText == tail)
  }
}

@Suite("Texts side by side") struct SideBySideTests {
  @Test("words wrap at the width and a longer word is broken", arguments: 2...30)
  func wrapping(width: Int) {
    let text = "a few words\n\n日本語日本語日本語 and anextraordinarilylongword"
    let lines = wrapped(text, width: width)
    #expect(lines.allSatisfy { displayWidth($0) <= width })
    let letters = { (text: String) in text.filter { !$0.isWhitespace } }
    #expect(letters(lines.joined()) == letters(text))
  }

  @Test("columns stand beside each other under their titles")
  func columns() {
    let lines = sideBySide([("one", "a b c d e"), ("two", "日本")], width: 13)
    #expect(lines == ["one     two", "─────   ─────", "a b c   日本", "d e"])
  }
}
