import Adapters
import Lorikeet
import Registry
import Serving
import Training

extension APIError {
  /// What a client is told of `error`.
  init(_ error: any Error) {
    switch error {
    case let error as APIError: self = error
    case let error as ServingError: self.init(error)
    case let error as RegistryError: self.init(error)
    case let error as WorkspaceError: self.init(error)
    case let error as TrainingError: self.init(.invalidRequest, error.message)
    case let error as AdapterError: self.init(.invalidRequest, error.message)
    // Not a word of what we do not know.
    default: self.init(.server, "the server failed; its log tells more", code: "internal_error")
    }
  }

  private init(_ error: WorkspaceError) {
    switch error.code {
    case .badRequest: self.init(.invalidRequest, error.message)
    case .notServable:
      self.init(.invalidRequest, error.message, status: 409, code: "not_servable")
    case .cannotWrite, .badDownload, .baseChanged, .whichBase, .busy:
      self.init(.server, error.message, status: 503)
    }
  }

  private init(_ error: ServingError) {
    switch error.code {
    case .badRequest: self.init(.invalidRequest, error.message)
    case .tooLong:
      self.init(.invalidRequest, error.message, code: "context_length_exceeded")
    case .wrongBase: self.init(.invalidRequest, error.message, code: "wrong_base")
    case .badAdapter: self.init(.server, error.message, status: 503, code: "adapter_unavailable")
    case .tooLarge: self.init(.invalidRequest, error.message, code: "too_large")
    case .noRoom: self.init(.rateLimit, error.message, code: "no_memory", retryAfter: 2)
    case .busy: self.init(.rateLimit, error.message, code: "overloaded", retryAfter: 5)
    case .stopping:
      self.init(.server, error.message, status: 503, code: "stopping", retryAfter: 5)
    case .late: self.init(.server, error.message, status: 504, code: "too_late")
    case .broken: self.init(.server, error.message, code: "internal_error")
    }
  }

  private init(_ error: RegistryError) {
    switch error.code {
    case .notFound: self.init(.notFound, error.message, code: "not_found")
    case .badArgument: self.init(.invalidRequest, error.message)
    case .keyRevoked: self.init(.authentication, error.message, code: "invalid_api_key")
    case .exists, .protected, .noHistory, .moved, .notOwner:
      self.init(.invalidRequest, error.message, status: 409, code: "conflict")
    case .busy:
      self.init(.server, error.message, status: 503, code: "registry_busy", retryAfter: 1)
    case .cannotOpen, .readOnly, .replaced, .foreignFile, .newerSchema, .damaged, .full, .database:
      self.init(.server, error.message, status: 503, code: "registry_unavailable", retryAfter: 5)
    }
  }
}
