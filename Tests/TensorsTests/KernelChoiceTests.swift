import CKernels
import Testing

/// What `LORIKEET_KERNELS` may ask for.
@Suite("Kernel choice")
struct KernelChoiceTests {
  private func refused(_ wish: String) -> String? {
    unsafe wish.withCString { unsafe ck_refused($0).map { unsafe String(cString: $0) } }
  }

  @Test("takes the names of what this processor can run")
  func possible() {
    for variant in 0...ck_best_variant().rawValue {
      let name = unsafe String(cString: ck_variant_name(ck_variant(variant)))
      #expect(refused(name) == nil, "\(name)")
    }
    #expect(unsafe ck_refused(nil) == nil)
  }

  @Test("refuses names of nothing, and of what this processor cannot run")
  func impossible() {
    for name in ["", "avx", "AVX2", "avx2 ", "portable,avx2"] { #expect(refused(name) == name) }
    for variant in ck_best_variant().rawValue + 1..<CK_AMX.rawValue + 1 {
      let name = unsafe String(cString: ck_variant_name(ck_variant(variant)))
      #expect(refused(name) == name)
    }
  }
}
