import Foundation

/// Any error as one line for a person, without the tool's name before it.
///
/// Every module's error says what, where and what to do in its `description` or `message`; Foundation's are made to.
/// Names out of files may be of any length: a long text loses its middle, since its end says what to do.
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
  let parts = text.split(whereSeparator: \.isNewline)
  let line = parts.map { $0.trimmingCharacters(in: .whitespaces) }.joined(separator: " ")
  return withoutMiddle(harmless(line, keepsLines: false))
}

/// `line` where it is short; its beginning and its end where it is not.
private func withoutMiddle(_ line: String) -> String {
  let scalars = line.unicodeScalars
  guard scalars.count > 500 else { return line }
  return "\(Substring(scalars.prefix(300))) ... \(Substring(scalars.suffix(150)))"
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
