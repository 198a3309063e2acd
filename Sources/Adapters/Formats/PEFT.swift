/// PEFT's adapter directory: `adapter_config.json` beside `adapter_model.safetensors`.
public enum PEFT {
  /// The configuration's file name.
  public static let configurationName = "adapter_config.json"
  /// The weights' file name.
  public static let weightsName = "adapter_model.safetensors"
  /// The weights' file name in old directories: a pickle, which runs code when it is read.
  static let pickleName = "adapter_model.bin"
  /// Far beyond any configuration in use, even with a pattern for each of ten thousand layers.
  static let largestConfiguration = 4_000_000
}
