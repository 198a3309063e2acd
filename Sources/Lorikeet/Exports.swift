// Whoever imports Lorikeet gets the types that its calls take and return, without naming the rooms they live in.
@_exported public import Registry
@_exported public import Serving
@_exported public import Tokenizers
@_exported public import Training
