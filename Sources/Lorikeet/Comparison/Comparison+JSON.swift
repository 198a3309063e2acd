import Adapters
import Digests
public import JSON
import Models
import Registry
public import Training

extension Comparison {
  /// Everything, for scripts.
  public var json: JSONValue {
    [
      "subjects": .array(subjects.map(\.json)),
      "configuration": .array(configuration.map(\.json)), "lineage": .array(lineage.map(\.json)),
      "data": dataset.map {
        ["path": .string($0.path), "digest": .string($0.digest.hex), "rows": .int($0.rows)]
      } ?? .null,
      "pairs": .array(pairs.map { $0.json(subjects) }),
      "prompts": .array(
        prompts.map { asked in
          [
            "prompt": .string(asked.prompt),
            "answers": .array(
              asked.answers.map {
                ["reference": .string($0.reference), "text": .string($0.result.text)]
              }),
          ]
        }),
    ]
  }
}

extension ComparedSubject {
  fileprivate var json: JSONValue {
    [
      "reference": .string(reference),
      "digest": version.map { .string($0.digest.hex) } ?? .null,
      "losses": .array(points.compactMap { $0.loss.map { .double($0) } }),
      "figures": .object(
        JSONObject(
          figures.map {
            (
              $0.figure.rawValue,
              [
                "value": .double($0.value), "low": .double($0.interval.lowerBound),
                "high": .double($0.interval.upperBound),
              ]
            )
          })),
    ]
  }
}

extension ComparedFact {
  fileprivate var json: JSONValue {
    [
      "name": .string(name), "same": .bool(isSame), "owner": owner.map { .int($0) } ?? .null,
      "values": .array(values.map { $0.map { .string($0) } ?? .null }),
    ]
  }
}

extension ComparedPair {
  fileprivate func json(_ subjects: [ComparedSubject]) -> JSONValue {
    [
      "first": .string(subjects[0].reference), "second": .string(subjects[index].reference),
      "tests": .array(tests.map(\.json)), "disagreements": .array(disagreements.map(\.json)),
      "layers": .array(layers.map(\.json)),
      "withWholeWeights": .array(withWholeWeights.map { .string($0) }),
    ]
  }
}

extension PairedTest {
  /// The test, for scripts.
  public var json: JSONValue {
    [
      "figure": .string(figure.rawValue), "difference": .double(difference),
      "low": .double(interval.lowerBound), "high": .double(interval.upperBound),
      "p": .double(pValue), "test": .string(split == nil ? "paired bootstrap" : "McNemar, exact"),
      "onlyFirstRight": split.map { .int($0.onlyFirst) } ?? .null,
      "onlySecondRight": split.map { .int($0.onlySecond) } ?? .null,
    ]
  }
}

extension ComparedPair.Disagreement {
  fileprivate var json: JSONValue {
    [
      "line": .int(line), "question": .string(question), "reference": .string(reference),
      "first": .string(first), "second": .string(second),
      "right": isFirstRight ? "first" : "second",
    ]
  }
}

extension UpdateComparison {
  fileprivate var json: JSONValue {
    [
      "path": .string(slot.path), "first": first?.json ?? .null, "second": second?.json ?? .null,
      "cosine": relation.map { .double($0.cosine) } ?? .null,
      "output": relation?.output.json ?? .null, "input": relation?.input.json ?? .null,
    ]
  }
}

extension UpdateComparison.Side {
  fileprivate var json: JSONValue {
    ["norm": .double(norm), "stableRank": .double(stableRank), "directions": .int(directions)]
  }
}

extension UpdateComparison.Subspaces {
  fileprivate var json: JSONValue {
    [
      "overlap": .double(overlap), "cosines": .array(cosines.map { .double($0) }),
      "angles": .array(angles.map { .double($0) }),
    ]
  }
}
