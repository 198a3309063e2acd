/// Encodes words with one model: scratch space and the words seen before, for one thread at a time.
struct WordEncoder: Sendable {
  let model: BytePairModel
  var cache: WordCache
  /// The tokens so far.
  var output: [Token] = []

  private var symbols: [Token] = []
  private var pairs: [MergeTable.Merge] = []
  private var previous: [Int32] = []
  private var next: [Int32] = []
  private var queue = MergeQueue()

  /// Up to this many symbols, looking at all of them for the next merge beats the heap.
  private static let shortWord = 40

  init(model: BytePairModel, cache: WordCache) {
    self.model = model
    self.cache = cache
  }

  /// Appends the tokens of the word `bytes[range]`.
  mutating func append(_ bytes: [UInt8], _ range: Range<Int>) {
    guard !range.isEmpty else { return }
    if let raw = model.rawVocabulary, let token = raw.id(of: bytes, range) {
      output.append(token)
      return
    }
    guard model.cutsBeforeMarks else { return appendUncut(bytes, range) }
    var start = range.lowerBound
    var index = start
    var isAfterMark = true
    while index < range.upperBound {
      if bytes[index] == Metaspace.mark[0], Metaspace.isMark(bytes, index, range.upperBound) {
        if !isAfterMark {
          appendUncut(bytes, start..<index)
          start = index
        }
        isAfterMark = true
        index += Metaspace.mark.count
      } else {
        isAfterMark = false
        index += 1
      }
    }
    appendUncut(bytes, start..<range.upperBound)
  }

  /// Appends the tokens of a word, from memory where it was seen before.
  private mutating func appendUncut(_ bytes: [UInt8], _ range: Range<Int>) {
    guard range.count <= WordCache.longestWord else { return merge(bytes, range) }
    let hash = cache.hash(bytes, range)
    if cache.append(bytes, range, hash: hash, to: &output) { return }
    let start = output.count
    merge(bytes, range)
    cache.insert(bytes, range, hash: hash, ids: output[start...])
  }

  private mutating func merge(_ bytes: [UInt8], _ range: Range<Int>) {
    symbols.removeAll(keepingCapacity: true)
    appendSymbols(bytes, range)
    if symbols.count <= WordEncoder.shortWord { mergeShort() } else { mergeLong() }
  }

  /// The word's first symbols, with byte fallback and unknown tokens in the library's order.
  private mutating func appendSymbols(_ bytes: [UInt8], _ range: Range<Int>) {
    var pendingUnknown: Token?
    var index = range.lowerBound
    while index < range.upperBound {
      let byte = bytes[index]
      var end = index + 1
      var symbol = Token(-1)
      if model.alphabet == .bytes || byte < 0x80 {
        symbol = model.firstSymbols[Int(byte)]
      } else {
        end = index + UTF8Scan.length(byte)
        symbol = model.vocabulary.id(of: bytes, index..<end) ?? -1
      }
      if symbol >= 0 {
        if let unknown = pendingUnknown {
          symbols.append(unknown)
          pendingUnknown = nil
        }
        symbols.append(symbol)
      } else if model.hasByteFallback, bytes[index..<end].allSatisfy({ isByteToken($0) }) {
        for position in index..<end { symbols.append(model.byteTokens[Int(bytes[position])]) }
      } else if let unknown = model.unknown {
        if let pending = pendingUnknown, !unknown.isFused { symbols.append(pending) }
        pendingUnknown = unknown.token
      }
      index = end
    }
    if let unknown = pendingUnknown { symbols.append(unknown) }
  }

  private func isByteToken(_ byte: UInt8) -> Bool { model.byteTokens[Int(byte)] >= 0 }

  /// Merges by looking for the smallest rank again and again.
  private mutating func mergeShort() {
    var count = symbols.count
    guard count > 0 else { return }
    pairs.removeAll(keepingCapacity: true)
    for index in 1..<max(count, 1) {
      pairs.append(model.merges.merge(symbols[index - 1], symbols[index]))
    }
    while count > 1 {
      var best = 0
      var bestRank = MergeTable.rank(pairs[0])
      for index in 1..<(count - 1) where MergeTable.rank(pairs[index]) < bestRank {
        best = index
        bestRank = MergeTable.rank(pairs[index])
      }
      guard pairs[best] != MergeTable.none else { break }
      symbols[best] = MergeTable.token(pairs[best])
      symbols.remove(at: best + 1)
      pairs.remove(at: best)
      count -= 1
      if best > 0 { pairs[best - 1] = model.merges.merge(symbols[best - 1], symbols[best]) }
      if best < count - 1 { pairs[best] = model.merges.merge(symbols[best], symbols[best + 1]) }
    }
    output.append(contentsOf: symbols)
  }

  /// Merges with a heap over a linked list: `n log n` in the number of symbols.
  private mutating func mergeLong() {
    let count = symbols.count
    previous.removeAll(keepingCapacity: true)
    next.removeAll(keepingCapacity: true)
    queue.removeAll()
    for index in 0..<count {
      previous.append(Int32(truncatingIfNeeded: index - 1))
      next.append(index + 1 < count ? Int32(truncatingIfNeeded: index + 1) : -1)
      guard index + 1 < count else { continue }
      let merge = model.merges.merge(symbols[index], symbols[index + 1])
      if merge != MergeTable.none {
        queue.appendUnordered(rank: MergeTable.rank(merge), position: index)
      }
    }
    queue.heapify()
    while let candidate = queue.pop() {
      let position = candidate.position
      let right = Int(next[position])
      guard symbols[position] >= 0, right >= 0 else { continue }
      let merge = model.merges.merge(symbols[position], symbols[right])
      // An entry of the past: what stood here has been merged otherwise.
      guard merge != MergeTable.none, MergeTable.rank(merge) == candidate.rank else { continue }
      symbols[position] = MergeTable.token(merge)
      symbols[right] = -1
      let after = Int(next[right])
      next[position] = Int32(truncatingIfNeeded: after)
      if after >= 0 {
        previous[after] = Int32(truncatingIfNeeded: position)
        pushMerge(position, after)
      }
      let before = Int(previous[position])
      if before >= 0 { pushMerge(before, position) }
    }
    var index = 0
    while index >= 0 {
      output.append(symbols[index])
      index = Int(next[index])
    }
  }

  private mutating func pushMerge(_ left: Int, _ right: Int) {
    let merge = model.merges.merge(symbols[left], symbols[right])
    if merge != MergeTable.none { queue.push(rank: MergeTable.rank(merge), position: left) }
  }
}
