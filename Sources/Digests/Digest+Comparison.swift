import CNettle

extension Digest {
  /// Whether both are the same, told in a time that does not depend on where they differ: for what a stranger sends.
  public func isEqualInConstantTime(to other: Digest) -> Bool {
    let (mine, theirs) = (Array(hex.utf8), Array(other.hex.utf8))
    precondition(mine.count == theirs.count, "every digest has 64 digits")
    return unsafe nettle_memeql_sec(mine, theirs, mine.count) != 0
  }
}
