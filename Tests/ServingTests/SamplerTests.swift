import Foundation
import Serving
import Tensors
import Testing
import Tokenizers

@Suite("Sampler")
struct SamplerTests {
  /// What a sampler is to draw, by sorting everything.
  private struct Reference {
    let settings: SamplerSettings
    var generator: SplitMix64
    var answer: [Int] = []

    init(_ settings: SamplerSettings) {
      self.settings = settings
      generator = SplitMix64(seed: settings.seed)
    }

    /// The tokens that may be drawn: one, or two where rounding decides.
    mutating func next(_ logits: [Float], prompt: [Token]) -> Set<Int> {
      var logits = logits
      for (token, bias) in settings.logitBias { logits[Int(token)] += bias }
      for token in Set(prompt.map(Int.init) + answer) where settings.repetitionPenalty != 1 {
        logits[token] *=
          logits[token] > 0 ? 1 / settings.repetitionPenalty : settings.repetitionPenalty
      }
      for token in Set(answer) {
        let count = Float(answer.count { $0 == token })
        logits[token] -= settings.frequencyPenalty * count + settings.presencePenalty
      }
      let order = logits.indices.sorted {
        logits[$0] != logits[$1] ? logits[$0] > logits[$1] : $0 < $1
      }
      guard settings.temperature > 0 else { return [order[0]] }
      let ranked = order.map { (token: $0, weight: weight(logits[$0] - logits[order[0]])) }
      let drawn = Double(generator.uniform())
      let nudges = [1 - 2e-6, 1, 1 + 2e-6]
      return Set(
        nudges.flatMap { cut in nudges.map { draw(ranked, drawn * $0, topP: cut) } })
    }

    private func draw(
      _ ranked: [(token: Int, weight: Double)], _ drawn: Double, topP nudge: Double
    ) -> Int {
      var kept = ranked
      if settings.topK > 0 { kept = Array(kept.prefix(settings.topK)) }
      let total = kept.reduce(0) { $0 + $1.weight }
      if settings.topP < 1 {
        var sum = 0.0
        let end = kept.firstIndex {
          sum += $0.weight
          return sum >= Double(settings.topP) * nudge * total
        }
        kept = Array(kept.prefix((end ?? kept.count - 1) + 1))
      }
      kept = kept.filter { $0.weight >= Double(settings.minP) }
      var left = drawn * kept.reduce(0) { $0 + $1.weight }
      var token = ranked[0].token
      for candidate in kept {
        token = candidate.token
        left -= candidate.weight
        if left < 0 { break }
      }
      return token
    }

    private func weight(_ difference: Float) -> Double {
      difference > -28 * settings.temperature ? exp(Double(difference / settings.temperature)) : 0
    }
  }

  private static let settings: [SamplerSettings] = {
    var all: [SamplerSettings] = []
    for temperature: Float in [0.05, 0.7, 1, 2, 40] {
      for (topK, topP, minP) in [
        (0, 1, 0), (1, 1, 0), (40, 1, 0), (0, 0.9, 0), (0, 0.01, 0), (0, 1, 0.05), (0, 1, 1),
        (50, 0.95, 0.02),
        (100_000, 0.999, 0),
      ] as [(Int, Float, Float)] {
        var one = SamplerSettings()
        (one.temperature, one.topK, one.topP, one.minP) = (temperature, topK, topP, minP)
        one.seed = UInt64(all.count)
        all.append(one)
      }
    }
    var penal = SamplerSettings()
    (penal.frequencyPenalty, penal.presencePenalty, penal.repetitionPenalty) = (0.7, 0.3, 1.3)
    penal.logitBias = [3: 8, 7: -100]
    all.append(penal)
    penal.temperature = 1
    penal.topP = 0.9
    all.append(penal)
    return all
  }()

  private func logits(_ count: Int, _ generator: inout SplitMix64) -> [Float] {
    // Bell-shaped, a few far above, and some equals.
    var values = (0..<count).map { _ in 2.5 * generator.normal() }
    for place in 0..<count / 300 { values[(place * 7919) % count] += 6 * generator.uniform() }
    for place in stride(from: 0, to: count - 1, by: 97) { values[place + 1] = values[place] }
    return values
  }

  @Test("draws what sorting all tokens draws", arguments: settings)
  func draws(settings: SamplerSettings) {
    var generator = SplitMix64(seed: settings.seed + 1)
    let prompt: [Token] = [1, 2, 2, 30]
    var sampler = Sampler(settings, prompt: prompt)
    var reference = Reference(settings)
    var drawn: Set<Token> = []
    var surprises = 0
    for _ in 0..<25 {
      let row = logits(3_000, &generator)
      let matrix = Matrix(rows: 1, columns: row.count, row)
      let token = sampler.next(matrix, likeliest: Token(matrix.largestColumn(row: 0)))
      let expected = reference.next(row, prompt: prompt)
      #expect(expected.contains(Int(token)))
      reference.answer.append(Int(token))
      surprises += expected.count - 1
      #expect(matrix.values == row)
      drawn.insert(token)
    }
    #expect(drawn.count > 10 && surprises < 5)
  }

  @Test("a draw of equals, of one and of what cannot be compared is a token there is")
  func extremes() {
    for row: [Float] in [
      [0], [Float](repeating: 3, count: 500), [-.infinity, 2, -.infinity], [.nan, 1, .nan, 1],
      [Float](repeating: -.infinity, count: 4), [Float](repeating: .nan, count: 4),
      [.infinity, 0], [-3e38, 3e38],
    ] {
      for temperature: Float in [1e-30, 1, 1e30] {
        for (topK, topP, minP) in [(0, 1, 0), (3, 0.5, 0.5)] as [(Int, Float, Float)] {
          var settings = SamplerSettings()
          (settings.temperature, settings.topK, settings.topP, settings.minP) =
            (temperature, topK, topP, minP)
          var sampler = Sampler(settings)
          let matrix = Matrix(rows: 1, columns: row.count, row)
          let likeliest = Token(matrix.largestColumn(row: 0))
          for _ in 0..<20 {
            let token = sampler.next(matrix, likeliest: likeliest)
            #expect(row.indices.contains(Int(token)), "\(row.prefix(4)), \(settings)")
            if row.contains(where: \.isFinite), row.allSatisfy({ $0 < .infinity }) {
              #expect(row[Int(token)].isFinite, "\(row.prefix(4)), \(settings)")
            }
          }
        }
      }
    }
  }

  @Test("equals are drawn equally often")
  func evenly() {
    var settings = SamplerSettings()
    settings.temperature = 1
    var sampler = Sampler(settings)
    let row = Matrix(rows: 1, columns: 8, [Float](repeating: 1, count: 8))
    var counts = [Int](repeating: 0, count: 8)
    for _ in 0..<8_000 { counts[Int(sampler.next(row, likeliest: 0))] += 1 }
    #expect(counts.allSatisfy { abs($0 - 1_000) < 150 }, "\(counts)")
  }

  @Test(
    "a choice tells the probabilities of the token and of the likeliest",
    arguments: [0, 1, 5, 20, 400])
  func choices(count: Int) {
    var generator = SplitMix64(seed: 77)
    let row = logits(400, &generator)
    let matrix = Matrix(rows: 1, columns: row.count, row)
    let base = log(row.reduce(0) { $0 + exp(Double($1)) })
    let order = row.indices.sorted { row[$0] != row[$1] ? row[$0] > row[$1] : $0 < $1 }
    let choice = TokenChoice(9, matrix, likeliest: Token(order[0]), count: count)
    #expect(abs(Double(choice.chosen.logProbability) - (Double(row[9]) - base)) < 1e-5)
    #expect(choice.top.map { Int($0.token) } == Array(order.prefix(count)))
    for candidate in choice.top {
      #expect(
        abs(Double(candidate.logProbability) - (Double(row[Int(candidate.token)]) - base)) < 1e-5)
    }
  }
}
