public import Tensors

#if canImport(Glibc)
  import Glibc
#endif

/// An opened base model: a Hugging Face directory or a GGUF file, told in Hugging Face names and row order.
///
/// Opening maps the files and checks that every tensor the model needs is there in its shape, and that none is there
/// that it has no place for; values are decoded when they are asked for.
public struct Checkpoint: Sendable {
  /// What the files are.
  public enum Format: String, Sendable {
    case huggingFace, gguf
  }

  /// Where it was opened.
  public let path: String
  /// What the files are.
  public let format: Format
  /// Everything that the forward pass needs to know.
  public let configuration: ModelConfiguration
  /// The tensors' names, sorted by their bytes.
  public let tensorNames: [String]
  /// The checkpoint's own template, a Jinja text, where it brings one.
  public let chatTemplate: String?
  /// The texts of `bos_token`, `eos_token`, `unk_token` and `pad_token`, as templates ask for them.
  public let specialTokens: [String: String]
  let tensors: [String: Tensor]
  let text: TextSource

  /// A stored tensor under its Hugging Face name.
  struct Tensor: Sendable {
    let stored: StoredTensor
    /// Whether the rows are interleaved as llama.cpp's converter leaves q and k.
    let interleaved: Bool
  }

  /// Where the tokenizer is to be had.
  enum TextSource: Sendable {
    case directory(String)
    case gguf(GGUFFile)
  }

  /// Opens the Hugging Face directory or the GGUF file at `path`.
  public static func open(path: String) throws(FormatError) -> Checkpoint {
    var status = stat()
    guard unsafe stat(path, &status) == 0 else {
      throw FormatError(.cannotOpen, "there is no checkpoint at '\(path)'")
    }
    if status.st_mode & S_IFMT == S_IFDIR { return try openDirectory(path) }
    let bytes = try mapFile(path)
    guard GGUFFile.recognises(bytes) else {
      throw FormatError(
        .malformed,
        "'\(path)' is no GGUF file; give a GGUF file or the folder with config.json and safetensors"
      )
    }
    do throws(FormatError) {
      return try openGGUF(path, bytes)
    } catch {
      throw error.inFile(path)
    }
  }

  /// Whether the tensor called `name` is there.
  public func has(_ name: String) -> Bool { tensors[name] != nil }

  /// Sizes of the tensor called `name`, slowest first, or nil where there is none.
  public func shape(of name: String) -> [Int]? { tensors[name]?.stored.shape }

  /// How the tensor called `name` is stored, or nil where there is none.
  public func dtype(of name: String) -> DType? { tensors[name]?.stored.dtype }

  /// The float32 values of a matrix, `(rows, columns)`.
  ///
  /// Mapped without a copy where they are stored as F32 in that order: never write to them.
  /// - Parameter pool: Shares out the decoding over its threads.
  public func matrix(
    _ name: String, rows: Int, columns: Int, pool: WorkerPool? = nil
  ) throws(FormatError) -> Matrix {
    try self.rows(of: name, rows: rows, columns: columns).matrix(pool: pool)
  }

  /// The float32 values of a vector, `(1, count)`.
  public func vector(_ name: String, count: Int) throws(FormatError) -> Matrix {
    let tensor = try tensor(name, shape: [count])
    // A vector's blocks run along its values; interleaved biases move value by value, as rows of one.
    guard tensor.interleaved else { return tensor.stored.matrix(rows: 1, columns: count) }
    guard tensor.stored.dtype.valuesPerBlock == 1 else {
      throw FormatError(.unsupported, "'\(path)': the bias '\(shown(name))' is stored in blocks")
    }
    return tensor.rows(count, columns: 1, headSize: configuration.headSize).matrix()
      .reshaped(rows: 1, columns: count)
  }

  /// The stored rows of a matrix, `(rows, columns)`, in Hugging Face's order: what packs them never holds the whole as floats.
  public func rows(of name: String, rows: Int, columns: Int) throws(FormatError) -> StoredRows {
    try tensor(name, shape: [rows, columns])
      .rows(rows, columns: columns, headSize: configuration.headSize)
  }

  /// The tensor called `name`, which must have `shape`.
  private func tensor(_ name: String, shape: [Int]) throws(FormatError) -> Tensor {
    guard let tensor = tensors[name] else {
      throw FormatError(.missingTensor, "'\(path)' has no tensor '\(shown(name))'")
    }
    guard tensor.stored.shape == shape else {
      throw FormatError(
        .badShape,
        "'\(path)': the tensor '\(shown(name))' has the shape \(tensor.stored.shape) where \(shape) is expected"
      )
    }
    return tensor
  }

}

extension Checkpoint.Tensor {
  /// Its values as `count` rows, in Hugging Face's order.
  fileprivate func rows(_ count: Int, columns: Int, headSize: Int) -> StoredRows {
    var order: (@Sendable (Int) -> Int)?
    if interleaved { order = { TensorLayout.interleavedRow($0, headSize: headSize) } }
    return StoredRows(
      stored.bytes, dtype: stored.dtype, rows: count, columns: columns, order: order)
  }
}

extension Checkpoint {
  /// Gives each tensor that `configuration` asks for its stored one; anything left over is an error.
  ///
  /// - Parameter stored: The tensors by Hugging Face's names.
  static func place(
    _ stored: [String: StoredTensor], _ configuration: ModelConfiguration, interleaved: Bool
  ) throws(FormatError) -> [String: Tensor] {
    var placed: [String: Tensor] = [:]
    for entry in TensorLayout(configuration).entries {
      guard let tensor = stored[entry.name] else {
        throw FormatError(
          .missingTensor, "the tensor '\(entry.name)', \(entry.shape), is missing")
      }
      guard tensor.shape == entry.shape else {
        throw FormatError(
          .badShape,
          "the tensor '\(entry.name)' has the shape \(tensor.shape) where \(entry.shape) is expected"
        )
      }
      placed[entry.name] = Tensor(
        stored: tensor, interleaved: interleaved && entry.heads != nil)
    }
    for name in stored.keys.sorted() where placed[name] == nil && !isHarmless(name, configuration) {
      throw FormatError(
        .unexpectedTensor,
        "the tensor '\(shown(name))' has no place in this model; leaving it out would change it")
    }
    return placed
  }

  /// Whether a tensor may be left unread: what is recomputed, and the second copy of a tied embedding.
  private static func isHarmless(_ name: String, _ configuration: ModelConfiguration) -> Bool {
    name.hasSuffix(".rotary_emb.inv_freq")
      || (name == "lm_head.weight" && configuration.tiedEmbeddings)
  }

  static func sortedNames(_ tensors: [String: Tensor]) -> [String] {
    tensors.keys.sorted { $0.utf8.lexicographicallyPrecedes($1.utf8) }
  }
}
