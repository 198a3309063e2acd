/// What a tokenizer is put together from, whichever file it came in.
struct TokenizerParts {
  var model: BytePairModel
  var normalizers: [Normalizer] = []
  var preTokenizers: [PreTokenizer] = []
  var decoder: TextDecoder
  var addedTokens: [AddedToken] = []
  var prefix: [Token] = []
  var suffix: [Token] = []
  var beginOfSequence: Token?
  var endOfSequence: Token?
}
