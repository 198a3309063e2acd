import CKernels

#if canImport(Glibc)
  import Glibc
#endif

/// What the environment asks for of kernels and threads.
public enum EnvironmentCheck {
  /// What `LORIKEET_KERNELS` or `LORIKEET_THREADS` asks for and cannot have, in a line; nil where all is well.
  public static var problem: String? {
    if let refused = unsafe ck_refused_variant() {
      let names = (0...ck_best_variant().rawValue).compactMap {
        unsafe ck_variant_name(ck_variant($0)).map { unsafe String(cString: $0) }
      }
      return
        "LORIKEET_KERNELS is '\(unsafe String(cString: refused).prefix(40))', and this processor runs "
        + names.joined(separator: ", ")
    }
    guard let text = unsafe getenv("LORIKEET_THREADS") else { return nil }
    let wish = unsafe String(cString: text)
    guard !wish.isEmpty, Int(wish).map({ $0 < 1 }) ?? true else { return nil }
    return "LORIKEET_THREADS is '\(wish.prefix(40))'; give a whole number above 0"
  }
}
