extension PathPattern.Parser {
  /// What follows a backslash outside a class.
  mutating func escape() throws(AdapterError) -> PathPattern.Node {
    switch next {
    case "A": return anchor(.start)
    case "Z": return anchor(.absoluteEnd)
    case "b": return anchor(.wordBoundary)
    case "B": return anchor(.notWordBoundary)
    case .some("1"..."9"): throw unsupported("a back reference or octal escape")
    default: break
    }
    var found = ScalarClass(members: [try escapedMember()])
    found.ignoresCase = ignoresCase
    return .scalar(found)
  }

  private mutating func anchor(_ anchor: PathPattern.Anchor) -> PathPattern.Node {
    position += 1
    return .anchor(anchor)
  }

  /// An escape that stands for one character or for a class of them.
  private mutating func escapedMember() throws(AdapterError) -> ScalarClass.Member {
    guard let scalar = take() else { throw failure("bad escape (end of pattern)") }
    switch scalar {
    case "d", "D": return .digit(negated: scalar == "D")
    case "w", "W": return .word(negated: scalar == "W")
    case "s", "S": return .space(negated: scalar == "S")
    case "n": return .range(10...10)
    case "t": return .range(9...9)
    case "r": return .range(13...13)
    case "f": return .range(12...12)
    case "v": return .range(11...11)
    case "a": return .range(7...7)
    case "x": return try hexadecimal(2)
    case "u": return try hexadecimal(4)
    case "U": return try hexadecimal(8)
    case "0"..."9": throw unsupported("an octal escape")
    case "a"..."z", "A"..."Z": throw failure("bad escape \\\(scalar)", at: position - 2)
    default: return .range(scalar.value...scalar.value)
    }
  }

  private mutating func hexadecimal(_ digits: Int) throws(AdapterError) -> ScalarClass.Member {
    let start = position
    var value: UInt32 = 0
    for _ in 0..<digits {
      guard let scalar = take(), let digit = Character(scalar).hexDigitValue else {
        throw failure("incomplete escape", at: start)
      }
      value = value << 4 | UInt32(digit)
    }
    guard value <= 0x10FFFF else { throw failure("bad escape", at: start) }
    return .range(value...value)
  }

  /// What follows an opening bracket.
  mutating func characterClass() throws(AdapterError) -> ScalarClass {
    let start = position - 1
    var found = ScalarClass(members: [])
    found.ignoresCase = ignoresCase
    found.negated = take("^")
    var isFirst = true
    while let scalar = next {
      if scalar == "]", !isFirst {
        position += 1
        return found
      }
      isFirst = false
      let low = try classMember()
      guard next == "-", position + 1 < scalars.count, scalars[position + 1] != "]" else {
        found.members.append(low)
        continue
      }
      position += 1
      let high = try classMember()
      guard case .range(let from) = low, case .range(let to) = high,
        from.lowerBound <= to.upperBound
      else { throw failure("bad character range", at: start) }
      found.members.append(.range(from.lowerBound...to.upperBound))
    }
    throw failure("unterminated character set", at: start)
  }

  private mutating func classMember() throws(AdapterError) -> ScalarClass.Member {
    guard let scalar = take() else { throw failure("unterminated character set") }
    guard scalar == "\\" else { return .range(scalar.value...scalar.value) }
    if take("b") { return .range(8...8) }
    return try escapedMember()
  }
}
