extension Jinja.Interpreter {
  /// Python's `sorted`: stable, by keys that are compared with `<` only.
  func sorted<Element>(
    _ elements: [Element], descending: Bool = false,
    by key: (Element) throws(TemplateError) -> Jinja.Value
  ) throws(TemplateError) -> [Element] {
    var keyed: [(key: Jinja.Value, element: Element)] = []
    for element in elements { keyed.append((try key(element), element)) }
    var width = 1
    while width < keyed.count {
      var merged: [(key: Jinja.Value, element: Element)] = []
      merged.reserveCapacity(keyed.count)
      var start = 0
      while start < keyed.count {
        let middle = min(start + width, keyed.count)
        let end = min(middle + width, keyed.count)
        var left = start
        var right = middle
        while left < middle, right < end {
          try spend(1)
          // The right one goes first only where it must: that keeps the order of equals.
          let rightFirst =
            descending
            ? try compare(keyed[left].key, .less, keyed[right].key)
            : try compare(keyed[right].key, .less, keyed[left].key)
          merged.append(keyed[rightFirst ? right : left])
          if rightFirst { right += 1 } else { left += 1 }
        }
        merged += keyed[left..<middle]
        merged += keyed[right..<end]
        start = end
      }
      keyed = merged
      width *= 2
    }
    return keyed.map { $0.element }
  }
}
