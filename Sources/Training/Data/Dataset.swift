public import Digests
import Tensors

/// How the rows of a file are told apart.
public enum DataFormat: String, Sendable, CaseIterable {
  /// A JSON object on each line.
  case jsonl
  /// One JSON list of objects.
  case json
  /// Comma-separated columns under a header (RFC 4180).
  case csv
  /// Tab-separated columns under a header.
  case tsv
  /// Plain text: paragraphs, learnt whole.
  case text
}

/// The rows of one file, with what identifies it.
///
/// JSON rows are read by their keys, the first that fit: `messages` (roles and contents), `conversations`
/// (from and value), `prompt` and `completion`, `instruction`, `input` and `output`, `text` and `label`,
/// `text`. Columns are read in the same way by the header. With templates (`"{text}"`, `"{label}"`) any
/// columns or keys will do.
public struct Dataset: Sendable {
  /// How to read a file.
  public struct Options: Sendable, Equatable {
    /// The format, or nil to find it by the file's extension and content.
    public var format: DataFormat?
    /// The question with a column's name in braces where its value goes.
    public var prompt: String?
    /// The answer with a column's name in braces where its value goes.
    public var completion: String?
    /// Only this many rows, the first ones; those after them are not read.
    public var limit: Int?
    /// Plain text: paragraphs are put together up to this many bytes.
    public var chunkLength: Int

    /// The defaults: format by file, templates by column names, all rows.
    public init(
      format: DataFormat? = nil, prompt: String? = nil, completion: String? = nil,
      limit: Int? = nil, chunkLength: Int = 2000
    ) {
      self.format = format
      self.prompt = prompt
      self.completion = completion
      self.limit = limit
      self.chunkLength = chunkLength
    }
  }

  /// The largest file that is read: 256 MiB, weeks of training on a processor.
  public static let maximumFileSize = 256 << 20

  /// The file.
  public let path: String
  /// How its rows are told apart.
  public let format: DataFormat
  /// The rows in file order.
  public let examples: [Example]
  /// SHA-256 of the whole file, also where only the first rows are taken.
  public let digest: Digest

  /// Reads the file at `path`.
  /// - Throws: `TrainingError` with file, line and reason; no row is ever left out.
  public static func load(
    path: String, options: Options = Options()
  ) throws(TrainingError) -> Dataset {
    let bytes: [UInt8]
    do { bytes = try RegularFile.bytes(path: path, limit: maximumFileSize) } catch {
      throw TrainingError(
        .cannotRead,
        error.code == .tooLarge
          ? "'\(path)' is larger than \(maximumFileSize >> 20) MiB; split it into several files"
          : error.message)
    }
    return try Dataset(bytes: bytes, path: path, options: options)
  }

  /// Reads `bytes` as the content of a file at `path`.
  public init(
    bytes: [UInt8], path: String, options: Options = Options()
  ) throws(TrainingError) {
    if let limit = options.limit, limit <= 0 {
      throw TrainingError(.badRecipe, "a limit of \(limit) rows leaves nothing to read")
    }
    var reader = DatasetReader(bytes: bytes, path: path, options: options)
    self.path = path
    format = try reader.format()
    examples = try reader.examples(format)
    digest = Digest.of(bytes)
    guard !examples.isEmpty else {
      throw TrainingError(.badData, "'\(path)' holds no rows")
    }
  }

  /// Where `example` stands, for messages: the file and the line, or the row of a JSON list.
  func place(of example: Example) -> String {
    "'\(path)', \(format == .json ? "row" : "line") \(example.line)"
  }

  /// Rows made elsewhere, numbered from 1; identified by their description.
  package init(examples: [Example.Content], path: String) throws(TrainingError) {
    self.path = path
    format = .jsonl
    self.examples = examples.enumerated().map { Example($0.element, line: $0.offset + 1) }
    digest = Digest.of(String(describing: examples))
  }
}
