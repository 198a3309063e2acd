import Lorikeet
import Registry

/// What a call's key opens, by its scopes: to a key that opens only some names the others do not exist.
extension Call {
  /// Whether every name is open.
  var opensAll: Bool { key?.scopes.contains("*") ?? true }

  /// Whether the adapter of this name is open; `base` stands for the base without an adapter.
  func opens(_ name: String) -> Bool { key?.allows(adapter: name) ?? true }

  /// What is said of all that is not open, whether it is there or not.
  func hidden(_ text: String) -> APIError {
    APIError(
      .notFound, "key '\(key?.name ?? "")' opens no adapter '\(abridged(text))'", code: "not_found")
  }
}

extension HTTPService {
  /// Refuses a reference to an adapter that is not open.
  func checkScope(of reference: String, for call: Call) throws {
    if call.opensAll { return }
    let name = try Reference(reference).name
    guard call.opens(name) else { throw call.hidden(reference) }
    // The registry tells the nearest name of one that is not there, and that may be another's.
    do { _ = try service.read { try $0.tags(of: name) } } catch let error as RegistryError
      where error.code == .notFound
    { throw call.hidden(reference) }
  }
}
