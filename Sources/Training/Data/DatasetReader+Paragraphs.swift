extension DatasetReader {
  /// Puts paragraphs together up to the chunk length; a longer one is parted at its lines.
  func readParagraphs() throws(TrainingError) -> [Example] {
    var found: [Example] = []
    var chunk = ""
    var chunkLine = 1
    var chunkIsBroken = false  // a paragraph ended inside: a chunk may end here
    var line = 0
    for content in bytes[start...].split(separator: 10, omittingEmptySubsequences: false) {
      line += 1
      guard content.count <= maximumLineLength else { throw fault(line, lineTooLong) }
      let content = content.last == 0x0D ? content.dropLast() : content
      guard let text = String(validating: content, as: UTF8.self) else {
        throw fault(line, "not valid UTF-8")
      }
      let isBlank = content.allSatisfy { $0 == 0x20 || $0 == 0x09 }
      let length = chunk.utf8.count
      let overflows = length + content.count > options.chunkLength
      let fillsUp = chunkIsBroken && length > options.chunkLength / 2
      if length > 0, overflows || (fillsUp && !isBlank) {
        found.append(Example(.text(chunk, isComplete: false), line: chunkLine))
        chunk = ""
      }
      chunkIsBroken = isBlank
      if chunk.isEmpty {
        if isBlank { continue }
        chunkLine = line
      }
      chunk += text + "\n"
    }
    if !chunk.isEmpty { found.append(Example(.text(chunk, isComplete: true), line: chunkLine)) }
    if case .text(let text, _) = found.last?.content {
      found[found.count - 1].content = .text(text, isComplete: true)
    }
    return Array(found.prefix(options.limit ?? found.count))
  }
}
