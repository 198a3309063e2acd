import Registry

/// `"; did you mean '--rank'?"` where one of `candidates` is near `name`, else nothing.
func didYouMeanOne(_ name: String, among candidates: [String]) -> String {
  guard let near = nearestNames(to: name, among: candidates, limit: 1).first else { return "" }
  return "; did you mean '\(near)'?"
}
