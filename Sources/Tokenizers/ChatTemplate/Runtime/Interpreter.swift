import Foundation

extension Jinja {
  /// One rendering of a template: its output, its variables, and what it may still use.
  final class Interpreter {
    let limits: TemplateLimits
    let now: Date
    let timeZone: TimeZone
    /// The parts of `now`, which take a calendar's time to find.
    lazy var date: DateComponents = {
      var calendar = Calendar(identifier: .gregorian)
      calendar.timeZone = timeZone
      return calendar.dateComponents(
        [.year, .month, .day, .hour, .minute, .second, .nanosecond, .weekday, .dayOfYear],
        from: now)
    }()
    /// The text of the block that is being rendered.
    var output = ""
    /// The line of the expression or statement reached last.
    var line = 0
    private var steps = 0
    private var depth = 0
    /// What may hold itself, directly or not; emptied at the end so that it is given back.
    private var scopes: [Scope] = []
    private var namespaces: [Namespace] = []

    /// How a body ended.
    enum Flow {
      case normal, breakLoop, continueLoop
    }

    init(limits: TemplateLimits, now: Date, timeZone: TimeZone) {
      self.limits = limits
      self.now = now
      self.timeZone = timeZone
    }

    func render(
      _ statements: [Statement], _ context: [String: TemplateValue], ownNames: [String]
    ) throws(TemplateError) -> String {
      let root = Scope(nil)
      keep(root)
      defer { release() }
      do throws(TemplateError) {
        for (name, item) in context { root.variables[name] = try value(item) }
        for name in ownNames {
          root.variables[name] = .undefined(Missing("'\(name)' is undefined"))
        }
        _ = try execute(statements, root)
      } catch {
        var located = error
        if located.line == nil, line > 0 { located.line = line }
        throw located
      }
      return output
    }

    /// Remembers a scope that a macro in it refers to.
    func keep(_ scope: Scope) {
      if scopes.last !== scope { scopes.append(scope) }
    }

    func makeNamespace() -> Namespace {
      let namespace = Namespace()
      namespaces.append(namespace)
      return namespace
    }

    private func release() {
      for namespace in namespaces { namespace.values = [:] }
      for scope in scopes { scope.variables = [:] }
    }

    // MARK: Errors and limits

    func failure(_ code: TemplateError.Code, _ message: String) -> TemplateError {
      TemplateError(code, message, line: line)
    }

    /// Counts `count` steps.
    func spend(_ count: Int) throws(TemplateError) {
      guard limits.steps - steps >= count else {
        throw failure(.limit, "the template takes more than \(limits.steps) steps")
      }
      steps += count
    }

    /// Counts the steps of going through a text.
    func spend(on text: String) throws(TemplateError) { try spend(1 + text.utf8.count / 16) }

    /// Refuses a text of more bytes than the output may have.
    func checkSize(_ bytes: Int) throws(TemplateError) {
      guard bytes <= limits.outputBytes else {
        throw failure(.limit, "more than \(limits.outputBytes) bytes of text")
      }
    }

    /// A new text as a value, counted.
    func make(_ text: String) throws(TemplateError) -> Value {
      try checkSize(text.utf8.count)
      try spend(on: text)
      return .string(text)
    }

    func write(_ text: String) throws(TemplateError) {
      try spend(on: text)
      try checkSize(output.utf8.count + text.utf8.count)
      output += text
    }

    /// Goes deeper, and one step further. What needs more of the stack counts as several levels.
    func enter(_ levels: Int = 1) throws(TemplateError) {
      try spend(1)
      depth += levels
      guard depth <= Jinja.maximumDepth else {
        throw failure(.limit, "evaluation nested deeper than \(Jinja.maximumDepth) levels")
      }
    }

    func leave(_ levels: Int = 1) { depth -= levels }

    /// The text that `body` writes.
    func capture(
      _ body: () throws(TemplateError) -> Flow
    ) throws(TemplateError) -> (text: String, flow: Flow) {
      let outer = output
      output = ""
      defer { output = outer }
      let flow = try body()
      return (output, flow)
    }
  }
}
