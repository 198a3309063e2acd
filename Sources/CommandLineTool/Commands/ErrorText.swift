import Foundation

/// Any error as one line for a person, without the tool's name before it.
///
/// Every module's error says what, where and what to do in its `description` or `message`; Foundation's are made to.
package func oneLine(_ error: any Error) -> String {
  let text: String
  if error is CocoaError {
    text = foundationText(error)
  } else if type(of: error) is any CustomStringConvertible.Type {
    text = String(describing: error)
  } else if let said = Mirror(reflecting: error).descendant("message") as? String {
    text = said
  } else {
    text = error.localizedDescription
  }
  let parts = harmless(text).split(whereSeparator: \.isNewline)
  return parts.map { $0.trimmingCharacters(in: .whitespaces) }.joined(separator: " ")
}

private func foundationText(_ error: any Error) -> String {
  guard let cocoa = error as? CocoaError, let path = cocoa.filePath ?? cocoa.url?.path else {
    return error.localizedDescription
  }
  switch cocoa.code {
  case .fileReadNoSuchFile, .fileNoSuchFile: return "there is no file '\(path)'"
  case .fileReadNoPermission, .fileWriteNoPermission: return "no permission for '\(path)'"
  case .fileWriteOutOfSpace: return "the disk is full: could not write '\(path)'"
  default: return "'\(path)': \(error.localizedDescription)"
  }
}
