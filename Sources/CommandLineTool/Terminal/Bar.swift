/// A bar of at most `width` columns for a part of a whole, in eighths of a column; empty for what is not a part.
package func bar(_ part: Double, width: Int = 8) -> String {
  guard part.isFinite, part > 0, width > 0 else { return "" }
  let eighths = Int((min(1, part) * Double(width * 8)).rounded())
  let ends = ["", "▏", "▎", "▍", "▌", "▋", "▊", "▉"]
  return String(repeating: "█", count: eighths / 8) + ends[eighths % 8]
}
