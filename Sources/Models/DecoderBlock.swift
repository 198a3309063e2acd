import Autograd
import Checkpoints
import Tensors

/// A frozen linear layer, or the embedding, and the slot where adapters attach to it.
struct Projection: Sendable {
  let weight: FrozenWeight
  let bias: Matrix?
  let slot: Int
}

/// Linear layers of one input.
struct ProjectionGroup: Sendable {
  let projections: [Projection]
  let layers: FrozenLayers

  init(_ projections: [Projection]) {
    self.projections = projections
    layers = FrozenLayers(projections.map { ($0.weight, $0.bias) })
  }
}

/// One block of a decoder: attention and a gated feed-forward, each behind a norm and around a residual.
///
/// All architectures so far share it; what differs (biases, query and key norms, the window) is data.
final class DecoderBlock: Sendable {
  let inputNorm: Matrix
  /// Query, key and value.
  let attentionInputs: ProjectionGroup
  let output: ProjectionGroup
  let queryNorm: Matrix?
  let keyNorm: Matrix?
  let feedForwardNorm: Matrix
  /// Gate and up.
  let feedForwardInputs: ProjectionGroup
  let down: ProjectionGroup

  init(
    inputNorm: Matrix, query: Projection, key: Projection, value: Projection, output: Projection,
    queryNorm: Matrix?, keyNorm: Matrix?, feedForwardNorm: Matrix, gate: Projection,
    up: Projection, down: Projection
  ) {
    self.inputNorm = inputNorm
    attentionInputs = ProjectionGroup([query, key, value])
    self.output = ProjectionGroup([output])
    self.queryNorm = queryNorm
    self.keyNorm = keyNorm
    self.feedForwardNorm = feedForwardNorm
    feedForwardInputs = ProjectionGroup([gate, up])
    self.down = ProjectionGroup([down])
  }

  /// Its linear layers in the order of a forward pass, those of one input together.
  var groups: [[Projection]] {
    [attentionInputs, output, feedForwardInputs, down].map(\.projections)
  }

  /// Its linear layers.
  var projections: [Projection] { groups.flatMap(\.self) }

  /// The slots of its linear layers.
  var slots: [Int] { projections.map(\.slot) }

  /// `(T, D)` to `(T, D)`.
  func forward(_ x: Variable, layer: Int, pass: ForwardPass) -> Variable {
    let epsilon = pass.epsilon
    let tape = pass.tape
    let h = tape.rmsNorm(x, weight: inputNorm, epsilon: epsilon)
    let heads = pass.linear(h, attentionInputs)
    h.release()
    let attended = pass.attend(
      layer: layer, queries: rotated(heads[0], norm: queryNorm, pass),
      keys: rotated(heads[1], norm: keyNorm, pass), values: heads[2])
    let x = pass.linear(attended, output, residual: x)[0]

    let h2 = tape.rmsNorm(x, weight: feedForwardNorm, epsilon: epsilon)
    let inner = pass.linear(h2, feedForwardInputs)
    let activated = tape.swiGLU(gate: inner[0], up: inner[1])
    h2.release()
    let y = pass.linear(activated, down, residual: x)[0]
    activated.release()
    return y
  }

  private func rotated(_ x: Variable, norm: Matrix?, _ pass: ForwardPass) -> Variable {
    let normed = norm.map { pass.tape.headNorm(x, weight: $0, epsilon: pass.epsilon) } ?? x
    return pass.tape.rotate(
      normed, headSize: pass.attention.headSize, cosine: pass.cosine, sine: pass.sine)
  }
}
