import Digests
import Foundation
import JSON
import Lorikeet
import Registry

extension Route {
  static let models: [Route] = [
    Route("GET", "/v1/models") { http, call in
      .json(ModelCard.list(try http.cards(for: call)))
    },
    Route("GET", "/v1/models/") { http, call in
      let model = try http.model(call.rest, for: call)
      return .json(http.card(model, id: call.rest).json)
    },
    Route("DELETE", "/v1/models/", .admin) { http, call in
      let text = call.rest
      guard text != http.service.base.record.facts.name, text != Workspace.baseReference else {
        throw APIError(.invalidRequest, "the base cannot be deleted")
      }
      try http.checkScope(of: text, for: call)
      try http.service.change(as: call.author) { registry in
        if case .adapter(let name, .preferred) = try Reference(text) {
          _ = try registry.removeAdapter(name)
        } else {
          _ = try registry.removeVersion(text)
        }
      }
      return .json(ModelCard.deleted(text))
    },
  ]
}

extension HTTPService {
  /// The model that a request names, if its key opens it.
  ///
  /// To a key that opens only some names the others do not exist.
  func model(_ text: String, for call: Call) throws -> ServedModel {
    do {
      guard try call.opensAll || call.opens(service.reference(text).name) else {
        throw RegistryError(.notFound, "")
      }
      return try service.model(text)
    } catch let error as RegistryError where error.code == .notFound || error.code == .badArgument {
      throw APIError(
        .notFound,
        call.opensAll
          ? error.message : "key '\(call.key?.name ?? "")' opens no model '\(abridged(text))'",
        param: "model", code: "model_not_found")
    }
  }

  /// The base and the adapters that the request's key opens, by name.
  func cards(for call: Call) throws -> [ModelCard] {
    let facts = service.base.record.facts
    var cards: [ModelCard] = []
    if call.opens(Workspace.baseReference) { cards.append(card(try service.model(facts.name))) }
    var query = ListQuery()
    query.base = facts.fingerprint
    query.scopes = call.key?.scopes
    for adapter in try service.read({ try $0.list(query) }) {
      // The bare name means what is in production, if anything is.
      let isNewest = adapter.aliases.allSatisfy {
        $0.alias != Reference.production || $0.version == adapter.newest
      }
      let digest =
        isNewest ? adapter.digest : try service.read { try $0.version(adapter.name).digest }
      cards.append(
        ModelCard(
          id: adapter.name, created: Int(adapter.created.timeIntervalSince1970),
          root: digest.hex, parent: facts.name, contextLength: service.contextLength))
    }
    return cards
  }

  func card(_ model: ServedModel, id: String? = nil) -> ModelCard {
    let base = service.base.record
    guard let version = model.version else {
      return ModelCard(
        id: id ?? base.facts.name, created: Int(base.added.timeIntervalSince1970),
        root: base.facts.fingerprint.hex, contextLength: service.contextLength)
    }
    return ModelCard(
      id: id ?? version.reference, created: Int(version.created.timeIntervalSince1970),
      root: version.digest.hex, parent: base.facts.name, contextLength: service.contextLength)
  }
}
