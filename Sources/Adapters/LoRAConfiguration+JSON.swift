public import JSON

extension LoRAConfiguration {
  /// Reads an `adapter_config.json`.
  ///
  /// Missing keys mean PEFT's defaults. Unlike PEFT, which ignores what it does not know, a key that could change the
  /// maths is refused by its name.
  public init(file: some Sequence<UInt8>) throws(AdapterError) {
    let value: JSONValue
    do { value = try JSONValue(parsing: file, maximumDepth: 16) } catch {
      throw AdapterError(.badConfiguration, "adapter_config.json: \(error.message)")
    }
    guard let object = value.objectValue else {
      throw AdapterError(
        .badConfiguration, "adapter_config.json: an object should stand there, not \(value.kind)")
    }
    try self.init(json: object)
  }

  /// Reads the members of an `adapter_config.json`.
  public init(json object: JSONObject) throws(AdapterError) {
    let reader = ConfigurationReader(object: object)
    self.init()
    guard try reader.text("peft_type", else: nil) == "LORA" else {
      let found = object["peft_type"]?.text() ?? "missing"
      throw AdapterError(
        .unsupported,
        "adapter_config.json: peft_type is \(shortened(found)); only LORA is supported")
    }
    rank = try reader.integer("r", else: rank)
    alpha = try reader.number("lora_alpha", else: alpha)
    usesRSLoRA = try reader.flag("use_rslora", else: false)
    dropout = try reader.number("lora_dropout", else: 0)
    rankPattern = try reader.rules("rank_pattern", "an integer", \.intValue)
    alphaPattern = try reader.rules("alpha_pattern", "a number", \.doubleValue)
    targets = try LoRAConfiguration.targets(reader)
    excluded = try reader.choice("exclude_modules")
    layers = try reader.oneOrMany("layers_to_transform", "an integer", \.intValue)
    layersPattern = try reader.oneOrMany("layers_pattern", "a string", \.stringValue)
    initialisation = try LoRAConfiguration.initialisation(object["init_lora_weights"] ?? true)
    trainedBiases = try LoRAConfiguration.trainedBiases(reader)
    usesLoRABias = try reader.flag("lora_bias", else: false)
    savedModules = try reader.names("modules_to_save")
    ensuresTying = try reader.flag("ensure_weight_tying", else: false)
    notes = PEFTNotes(
      baseModel: try reader.text("base_model_name_or_path", else: nil),
      revision: try reader.text("revision", else: nil),
      taskType: try reader.text("task_type", else: nil),
      peftVersion: try reader.text("peft_version", else: nil) ?? PEFTNotes().peftVersion,
      autoMapping: object["auto_mapping"] ?? .null)
    guard notes.taskType == nil || notes.taskType == "CAUSAL_LM" else {
      throw AdapterError(
        .unsupported,
        "adapter_config.json: task_type is '\(shortened(notes.taskType ?? ""))'; only CAUSAL_LM is supported"
      )
    }
    _ = try reader.flag("inference_mode", else: true)
    try collectInert(object)
    try check()
  }

  private static func targets(_ reader: ConfigurationReader) throws(AdapterError) -> TargetModules {
    switch try reader.choice("target_modules") {
    case nil: .architectureDefault
    case .names(let names): .names(names)
    case .pattern(let pattern):
      pattern.lowercased() == "all-linear" ? .allLinear : .pattern(pattern)
    }
  }

  private static func trainedBiases(
    _ reader: ConfigurationReader
  ) throws(AdapterError) -> TrainedBiases {
    let name = try reader.text("bias", else: nil) ?? TrainedBiases.none.rawValue
    guard let biases = TrainedBiases(rawValue: name) else {
      let known = TrainedBiases.allCases.map { "'\($0.rawValue)'" }.joined(separator: ", ")
      throw AdapterError(
        .unsupported,
        "adapter_config.json: 'bias' is '\(shortened(name))', which is not supported (only \(known))"
      )
    }
    return biases
  }

  private static func initialisation(
    _ value: JSONValue
  ) throws(AdapterError) -> LoRAInitialisation {
    switch value {
    case true: return .kaiming
    case "gaussian": return .gaussian
    case false, "orthogonal": return .foreign(value)
    default:
      throw AdapterError(
        .unsupported,
        """
        adapter_config.json: init_lora_weights is \(shortened(value.text())), which may have changed the base's own \
        weights; convert the adapter (PEFT's save_pretrained with path_initial_model_for_weight_conversion)
        """)
    }
  }

  /// Keeps what is switched off and refuses what is switched on.
  private mutating func collectInert(_ object: JSONObject) throws(AdapterError) {
    for member in object.members where !LoRAConfiguration.readKeys.contains(member.key) {
      let (key, value) = (member.key, member.value)
      if let off = LoRAConfiguration.switchedOff[key] {
        guard value == off || LoRAConfiguration.alsoOff[key] == value else {
          throw AdapterError(
            .unsupported,
            "adapter_config.json: '\(key)' is \(shortened(value.text())), which is not supported (only \(off.text()))"
          )
        }
        if value != off { notes.inert[key] = value }
      } else if LoRAConfiguration.isEmpty(value) {
        notes.inert[key] = value
      } else {
        throw AdapterError(
          .unsupported,
          """
          adapter_config.json: unknown key '\(shortened(key))' with the value \(shortened(value.text())), which may \
          change the maths\(suggestion(for: key, in: Array(LoRAConfiguration.readKeys)))
          """)
      }
    }
  }

  private static func isEmpty(_ value: JSONValue) -> Bool {
    value == .null || value == false || value == [] || value == [:]
  }

  /// Keys that are read above, and the one that PEFT ignores too.
  static let readKeys: Set<String> = [
    "peft_type", "r", "lora_alpha", "use_rslora", "lora_dropout", "rank_pattern", "alpha_pattern",
    "target_modules", "exclude_modules", "layers_to_transform", "layers_pattern",
    "init_lora_weights", "base_model_name_or_path", "revision", "task_type", "peft_version",
    "auto_mapping", "inference_mode", "runtime_config", "bias", "lora_bias", "modules_to_save",
    "ensure_weight_tying",
  ]

  /// Settings of PEFT's that are not built, with the value that leaves them off.
  static let switchedOff: [String: JSONValue] = [
    "alora_invocation_tokens": nil, "arrow_config": nil, "corda_config": nil, "eva_config": nil,
    "fan_in_fan_out": false, "kasa_config": nil, "layer_replication": nil, "loftq_config": [:],
    "lora_ga_config": nil, "megatron_config": nil, "megatron_core": "megatron.core",
    "monteclora_config": nil, "qalora_group_size": 16, "target_parameters": nil,
    "trainable_token_indices": nil, "use_bdlora": nil, "use_dora": false, "use_qalora": false,
    "velora_config": nil,
  ]

  /// Other spellings of off, from other releases.
  private static let alsoOff: [String: JSONValue] = [
    "loftq_config": nil, "megatron_core": nil, "target_parameters": [],
    "trainable_token_indices": [], "use_bdlora": false,
  ]

  /// The members of the `adapter_config.json` that PEFT would write.
  public var json: JSONObject {
    var object = JSONObject(LoRAConfiguration.switchedOff.map { ($0.key, $0.value) })
    for member in notes.inert.members { object[member.key] = member.value }
    object["peft_type"] = "LORA"
    object["r"] = .int(rank)
    object["lora_alpha"] = LoRAConfiguration.shortest(alpha)
    object["use_rslora"] = .bool(usesRSLoRA)
    object["lora_dropout"] = .double(dropout)
    object["rank_pattern"] = .object(JSONObject(rankPattern.map { ($0.pattern, .int($0.value)) }))
    object["alpha_pattern"] = .object(
      JSONObject(alphaPattern.map { ($0.pattern, LoRAConfiguration.shortest($0.value)) }))
    object["target_modules"] =
      switch targets {
      case .architectureDefault: .null
      case .allLinear: "all-linear"
      case .names(let names): .array(names.map { .string($0) })
      case .pattern(let pattern): .string(pattern)
      }
    object["exclude_modules"] =
      switch excluded {
      case nil: .null
      case .names(let names): .array(names.map { .string($0) })
      case .pattern(let pattern): .string(pattern)
      }
    object["layers_to_transform"] = LoRAConfiguration.value(layers) { .int($0) }
    object["layers_pattern"] = LoRAConfiguration.value(layersPattern) { .string($0) }
    object["init_lora_weights"] =
      switch initialisation {
      case .kaiming: true
      case .gaussian: "gaussian"
      case .foreign(let value): value
      }
    object["bias"] = .string(trainedBiases.rawValue)
    object["lora_bias"] = .bool(usesLoRABias)
    object["modules_to_save"] = savedModules.map { .array($0.map { .string($0) }) } ?? .null
    object["ensure_weight_tying"] = .bool(ensuresTying)
    object["base_model_name_or_path"] = notes.baseModel.map { .string($0) } ?? .null
    object["revision"] = notes.revision.map { .string($0) } ?? .null
    object["task_type"] = notes.taskType.map { .string($0) } ?? .null
    object["peft_version"] = .string(notes.peftVersion)
    object["auto_mapping"] = notes.autoMapping
    object["inference_mode"] = true
    return object
  }

  /// The bytes of the `adapter_config.json` that PEFT would write: sorted keys, no newline at the end.
  public var file: [UInt8] { JSONValue.object(json).bytes(.pythonIndented) }

  /// An integer where the number is one, as PEFT's annotations ask for.
  private static func shortest(_ number: Double) -> JSONValue {
    Int(exactly: number).map { .int($0) } ?? .double(number)
  }

  private static func value<Element>(
    _ values: OneOrMany<Element>?, _ convert: (Element) -> JSONValue
  ) -> JSONValue {
    switch values {
    case nil: .null
    case .one(let element): convert(element)
    case .many(let elements): .array(elements.map(convert))
    }
  }
}
