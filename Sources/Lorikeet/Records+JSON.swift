import Digests
package import Foundation
package import JSON
package import Registry
import Tensors

// What the registry keeps, as the command's --json and the server's routes write it.

/// JSON text that the registry keeps, as a value; as a string where it is not JSON.
package func parsedJSON(_ text: String) -> JSONValue {
  (try? JSONValue(parsing: text)) ?? .string(text)
}

extension JSONValue {
  /// A moment, as ISO 8601 in UTC.
  package static func date(_ date: Date?) -> JSONValue {
    date.map { .string($0.formatted(.iso8601)) } ?? .null
  }
}

extension BaseRecord {
  package var json: JSONValue {
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
  package var json: JSONValue {
    ["weights": .string(weights.rawValue), "path": .string(path), "size": .int(size)]
  }
}

extension AdapterSummary {
  package var json: JSONValue {
    [
      "name": .string(name), "versions": .int(versionCount), "newest": .int(newest),
      "digest": .string(digest.hex), "aliases": aliases.json, "base": .string(baseName),
      "method": .string(method), "rank": .int(rank), "size": .int(size), "score": .number(score),
      "scoreName": .text(scoreName), "scoreData": scoreData?.json ?? .null,
      "created": .date(created),
      "tags": .array(tags.map { .string($0) }),
    ]
  }
}

extension [AliasRecord] {
  /// The aliases with the version that each points at.
  package var json: JSONValue { .object(JSONObject(map { ($0.alias, .int($0.version)) })) }
}

extension VersionRecord {
  package var json: JSONValue {
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
  package var json: JSONValue {
    [
      "alias": .string(alias), "kind": .string(kind.rawValue), "version": .integer(version),
      "previous": .integer(previous), "at": .date(at), "actor": .string(actor),
    ]
  }
}

extension RunRecord {
  package var json: JSONValue {
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
  package var json: JSONValue {
    [
      "step": .int(step), "loss": .number(loss), "learningRate": .number(learningRate),
      "gradientNorm": .number(gradientNorm), "tokens": .integer(tokens),
      "seconds": .number(seconds), "evalLoss": .number(evalLoss),
    ]
  }
}

extension EvaluationRecord {
  package var json: JSONValue {
    [
      "dataset": .string(datasetPath), "datasetDigest": .string(dataset.hex),
      "rows": .int(rows), "metrics": parsedJSON(metrics), "settings": parsedJSON(settings),
      "score": .number(score), "scoreName": .text(scoreName), "created": .date(created),
    ]
  }
}

extension DatasetRecord {
  package var json: JSONValue {
    ["path": .string(path), "digest": .string(digest.hex), "rows": .int(rows)]
  }
}

extension AuditRecord {
  package var json: JSONValue {
    [
      "at": .date(at), "actor": .string(actor), "action": .string(action),
      "subject": .string(subject), "detail": .string(detail),
    ]
  }
}

extension NoteRecord {
  package var json: JSONValue {
    [
      "version": .integer(version), "note": .string(text), "at": .date(at),
      "actor": .string(actor),
    ]
  }
}

extension KeyRecord {
  /// All but the secret, which is not kept.
  package var json: JSONValue {
    [
      "name": .string(name), "id": .string(id), "scopes": .array(scopes.map { .string($0) }),
      "admin": .bool(isAdmin), "ratePerMinute": .integer(ratePerMinute),
      "tokensPerDay": .integer(tokensPerDay), "created": .date(created), "revoked": .date(revoked),
    ]
  }
}
