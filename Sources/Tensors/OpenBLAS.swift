import CKernels
import COpenBLAS

/// The library for products of floats, as it is used here.
enum OpenBLAS {
  /// Read before its first call: one thread a call, since calls are shared out by `WorkerPool`, and kernels for this processor.
  static let prepared: Void = {
    let variant = ck_best_variant()
    let core: StaticString? =
      switch variant {
      case CK_PORTABLE: nil
      case CK_AVX2: "Haswell"
      case CK_AVX512, CK_AVX512_VNNI: "SkylakeX"
      default: "Cooperlake"
      }
    if let core { unsafe openblas_replace_unknown_core(core.utf8Start) }
    openblas_set_num_threads(1)
  }()
}
