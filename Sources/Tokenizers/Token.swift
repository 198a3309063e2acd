/// The id of a piece of text in a tokenizer's vocabulary.
public typealias Token = Int32
