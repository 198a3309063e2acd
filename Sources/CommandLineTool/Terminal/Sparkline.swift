/// A curve in one line of text, `▇▅▃▂▁`: each column the mean of its share of `values`.
///
/// Values that are not finite are left out; an even curve lies at the bottom.
package func sparkline(_ values: [Double], width: Int = 40) -> String {
  let levels = Array("▁▂▃▄▅▆▇█")
  let finite = values.filter(\.isFinite)
  guard width > 0, let low = finite.min(), let high = finite.max() else { return "" }
  let columns = min(width, finite.count)
  var text = ""
  for column in 0..<columns {
    let share = finite[column * finite.count / columns..<(column + 1) * finite.count / columns]
    let mean = share.reduce(0, +) / Double(share.count)
    let height = high > low ? (mean - low) / (high - low) : 0
    text.append(levels[min(levels.count - 1, max(0, Int(height * Double(levels.count))))])
  }
  return text
}
