import Checkpoints
import Foundation
import Tensors

/// The rotary frequencies of a model, stretched as its checkpoint says.
struct RotaryTable: Sendable {
  /// One inverse frequency for each pair of values in a head.
  let inverseFrequencies: [Float]

  init(_ configuration: ModelConfiguration) throws(ModelError) {
    let half = configuration.headSize / 2
    let plain = (0..<half).map {
      Float(1 / pow(configuration.ropeBase, Double(2 * $0) / Double(configuration.headSize)))
    }
    switch configuration.ropeScaling {
    case .none:
      inverseFrequencies = plain
    case .linear(let factor):
      inverseFrequencies = plain.map { $0 / Float(factor) }
    case .llama3(let factor, let low, let high, let original):
      inverseFrequencies = plain.map {
        RotaryTable.llama3($0, factor: factor, low: low, high: high, original: Double(original))
      }
    case .factors(let factors):
      guard factors.count == half else {
        throw ModelError(
          .badShape,
          "rope_freqs has \(factors.count) factors; a head of "
            + "\(configuration.headSize) needs \(half)")
      }
      inverseFrequencies = zip(plain, factors).map { $0 / $1 }
    }
  }

  /// Llama 3.1's rule, as its reference code and transformers have it: long wavelengths are divided by `factor`,
  /// short ones kept, and those between blended by where they lie.
  private static func llama3(
    _ frequency: Float, factor: Double, low: Double, high: Double, original: Double
  ) -> Float {
    let wavelength = 2 * Double.pi / Double(frequency)
    if wavelength < original / high { return frequency }
    if wavelength > original / low { return Float(Double(frequency) / factor) }
    let blend = (original / wavelength - low) / (high - low)
    return Float((1 - blend) * Double(frequency) / factor + blend * Double(frequency))
  }

  /// Cosines and sines, `(T, headSize / 2)` each, of the angles at `positions`.
  func angles(at positions: [Int], recycler: BufferRecycler) -> (cosine: Matrix, sine: Matrix) {
    let width = inverseFrequencies.count
    let cosine = Matrix(rows: positions.count, columns: width, recycler: recycler)
    let sine = Matrix(rows: positions.count, columns: width, recycler: recycler)
    for (row, position) in positions.enumerated() {
      for (column, frequency) in inverseFrequencies.enumerated() {
        let angle = Float(position) * frequency
        cosine[row, column] = cos(angle)
        sine[row, column] = sin(angle)
      }
    }
    return (cosine, sine)
  }
}
