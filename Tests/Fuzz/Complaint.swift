import Adapters
import Checkpoints
import CommandLineTool
import HTTPService
import JSON
import Lorikeet
import Models
import Registry
import Serving
import Tensors
import Tokenizers
import Training

/// What is wrong with a refusal, or with what was read.
struct Complaint: Error, CustomStringConvertible {
  let message: String
  var description: String { message }

  /// What is wrong with refusing a file by `error`; nil where it is one of our errors, and told in one short line.
  init?(about error: any Error) {
    let text = oneLine(error)
    if let complaint = error as? Complaint {
      self = complaint
    } else if !Complaint.isOurs(error) {
      message = "refused by \(type(of: error)), which is no error of ours"
    } else if text.isEmpty || text.utf8.count > 2000 {
      message = "an error of \(text.utf8.count) bytes"
    } else if text.unicodeScalars.contains(where: {
      $0.value < 0x20 || $0.properties.generalCategory == .control
    }) {
      message = "an error of several lines, or with control characters"
    } else {
      return nil
    }
  }

  init(message: String) { self.message = message }

  private static func isOurs(_ error: any Error) -> Bool {
    error is FormatError || error is AdapterError || error is TrainingError
      || error is TokenizerError || error is TemplateError || error is JSONError
      || error is RegistryError || error is UsageError || error is ModelError
      || error is TensorError || error is ServingError || error is WorkspaceError
      || error is APIError
  }
}

/// Complains where something does not hold.
func require(_ holds: Bool, _ message: @autoclosure () -> String) throws {
  guard holds else { throw Complaint(message: message()) }
}
