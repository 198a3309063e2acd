/// A probability for people, the same in the terminal and on the page: `0.031`, `<0.001`.
package func probability(_ value: Double) -> String { value < 0.001 ? "<0.001" : digits(value) }
