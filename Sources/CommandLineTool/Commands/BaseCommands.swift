extension Tool {
  static let basePull = Command(
    CommandSpec(
      "base pull", group: "Bases", summary: "fetch a known base model and register it",
      details: [
        "Known models: smollm2-135m-instruct (SmolLM2-135M-Instruct, Apache-2.0, 98 MB). "
          + "The file is checked against its SHA-256 and kept in the home."
      ],
      positionals: [PositionalSpec("NAME", help: "a known model")],
      examples: [
        ExampleSpec("lorikeet base pull smollm2-135m-instruct", "fetch the model of the demo")
      ])
  ) { session in try session.workspace() }

  static let baseAdd = Command(
    CommandSpec(
      "base add", group: "Bases", summary: "register a model that is on this machine",
      details: [
        "A Hugging Face directory (config.json, tokenizer.json, safetensors) or one GGUF file. "
          + "Architectures: Llama, Mistral, Qwen2, Qwen3 and what is built like them. "
          + "The file stays where it is."
      ],
      positionals: [PositionalSpec("PATH", help: "the directory or the .gguf file")],
      options: [OptionSpec("name", "NAME", help: "what to call it (default: after the file)")],
      examples: [
        ExampleSpec("lorikeet base add ~/models/SmolLM2-135M-Instruct", "a directory"),
        ExampleSpec("lorikeet base add llama.Q8_0.gguf --name llama", "a GGUF file, named"),
      ])
  ) { session in try session.workspace() }

  static let baseList = Command(
    CommandSpec(
      "base list", group: "Bases", summary: "list the bases",
      examples: [ExampleSpec("lorikeet base list --json", "for a script")])
  ) { session in try session.workspace() }

  static let baseShow = Command(
    CommandSpec(
      "base show", group: "Bases", summary: "show what is known of a base",
      positionals: [PositionalSpec("NAME", .optional, help: "the base (default: the only one)")],
      examples: [ExampleSpec("lorikeet base show smollm2-135m-instruct", "one base")])
  ) { session in try session.workspace() }

  static let baseRemove = Command(
    CommandSpec(
      "base rm", group: "Bases", summary: "forget a base that no adapter needs",
      details: ["Its files stay where they are."],
      positionals: [PositionalSpec("NAME", help: "the base")],
      examples: [ExampleSpec("lorikeet base rm old-model", "forget one base")])
  ) { session in try session.workspace() }
}
