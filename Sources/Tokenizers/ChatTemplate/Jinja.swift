/// The interpreter of chat templates: Jinja's language with the values of Python that templates are
/// written for.
///
/// `Lexer` makes tokens of the text, `Parser` makes statements of the tokens, and `Interpreter`
/// renders the statements. All follow
/// Jinja 3.1 in the settings of transformers' `apply_chat_template`: an immutable sandbox,
/// `trim_blocks`, `lstrip_blocks`, loop controls.
enum Jinja {}
