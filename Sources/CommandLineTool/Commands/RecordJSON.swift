import Digests
import Foundation
import JSON
import Lorikeet
import Registry
import Tensors

/// JSON text that the registry keeps, as a value; as a string where it is not JSON.
func parsedJSON(_ text: String) -> JSONValue {
  (try? JSONValue(parsing: text)) ?? .string(text)
}

extension JSONValue {
  /// A moment, as ISO 8601 in UTC.
  static func date(_ date: Date?) -> JSONValue {
    date.map { .string($0.formatted(.iso8601)) } ?? .null
  }

  /// A text, or null.
  static func text(_ text: String?) -> JSONValue { text.map { .string($0) } ?? .null }

  /// An integer, or null.
  static func integer(_ value: Int?) -> JSONValue { value.map { .int($0) } ?? .null }

  /// A number, or null.
  static func number(_ value: Double?) -> JSONValue { value.map { .double($0) } ?? .null }
}

extension BaseRecord {
  var json: JSONValue {
    [
      "name": .string(facts.name), "architecture": .string(facts.architecture),
      "parameters": .int(facts.parameterCount), "path": .string(facts.path),
      "format": .string(facts.format), "size": .int(facts.size),
      "fingerprint": .string(facts.fingerprint.hex),
      "tokenizerDigest": .text(facts.tokenizerDigest?.hex),
      "templateDigest": .text(facts.templateDigest?.hex), "added": .date(added),
    ]
  }
}

extension PackedBase {
  var json: JSONValue {
    ["weights": .string(weights.rawValue), "path": .string(path), "size": .int(size)]
  }
}

extension AdapterSummary {
  var json: JSONValue {
    [
      "name": .string(name), "versions": .int(versionCount), "newest": .int(newest),
      "digest": .string(digest.hex), "aliases": aliases.json, "base": .string(baseName),
      "method": .string(method), "rank": .int(rank), "size": .int(size), "score": .number(score),
      "scoreName": .text(scoreName), "created": .date(created),
      "tags": .array(tags.map { .string($0) }),
    ]
  }
}

extension [AliasRecord] {
  /// The aliases with the version that each points at.
  var json: JSONValue { .object(JSONObject(map { ($0.alias, .int($0.version)) })) }
}

extension VersionRecord {
  var json: JSONValue {
    [
      "name": .string(adapter), "version": .int(number), "reference": .string(reference),
      "digest": .string(digest.hex), "parent": .text(parent?.hex), "base": .string(baseName),
      "baseFingerprint": .string(base.hex), "method": .string(method), "rank": .int(rank),
      "alpha": .double(alpha), "size": .int(size), "weights": .string(weights.hex),
      "run": .integer(run), "created": .date(created), "note": .text(note),
    ]
  }
}

extension AliasMove {
  var json: JSONValue {
    [
      "alias": .string(alias), "kind": .string(kind.rawValue), "version": .integer(version),
      "previous": .integer(previous), "at": .date(at), "actor": .string(actor),
    ]
  }
}

extension RunRecord {
  var json: JSONValue {
    [
      "id": .int(id), "adapter": .string(adapter), "status": .string(status.rawValue),
      "step": .int(step), "totalSteps": .integer(totalSteps), "loss": .number(loss),
      "version": .integer(version), "base": .string(base.hex), "started": .date(started),
      "ended": .date(ended), "error": .text(error), "program": .string(program),
      "recipe": parsedJSON(recipe), "recipeDigest": .string(recipeDigest.hex),
    ]
  }
}

extension RunPoint {
  var json: JSONValue {
    [
      "step": .int(step), "loss": .number(loss), "learningRate": .number(learningRate),
      "gradientNorm": .number(gradientNorm), "tokens": .integer(tokens),
      "seconds": .number(seconds), "evalLoss": .number(evalLoss),
    ]
  }
}

extension EvaluationRecord {
  var json: JSONValue {
    [
      "dataset": .string(datasetPath), "datasetDigest": .string(dataset.hex),
      "rows": .int(datasetRows), "metrics": parsedJSON(metrics), "settings": parsedJSON(settings),
      "score": .number(score), "scoreName": .text(scoreName), "created": .date(created),
    ]
  }
}

extension DatasetRecord {
  var json: JSONValue {
    ["path": .string(path), "digest": .string(digest.hex), "rows": .int(rows)]
  }
}
