import CKernels

/// How a product with a packed weight is shared out: a grid of blocks of rows and groups of panels.
///
/// A panel's result does not depend on the grid, so it follows what is quickest.
struct ProductParts {
  /// Multiplications of one part, at least: about half a microsecond.
  static let leastWork = 1 << 16
  /// Rows of one part, whole tiles and about as many as of the next: as many as stay in the second-level cache.
  static func rowBlock(of rows: Int) -> Int {
    let most = 288 / tileRows * tileRows
    let blocks = max(1, (rows + most - 1) / most)
    return wholeTiles((rows + blocks - 1) / blocks)
  }

  static var hasMatrixRegisters: Bool {
    ck_current_variant().rawValue >= CK_AMX.rawValue
  }

  /// Rows of a tile.
  private static var tileRows: Int { hasMatrixRegisters ? 32 : 12 }

  private static func wholeTiles(_ rows: Int) -> Int { (rows + tileRows - 1) / tileRows * tileRows }

  private let rows: Int
  private let panels: Int
  private let block: Int
  private let group: Int
  private let groups: Int

  /// - Parameter panelWork: Multiplications of one row with one panel.
  init(rows: Int, panels: Int, panelWork: Int) {
    self.rows = rows
    self.panels = panels
    // Of few panels, rows make the parts.
    let few = Self.wholeTiles(max(24, rows / 8))
    block = max(1, panels >= 8 ? Self.rowBlock(of: rows) : min(Self.rowBlock(of: rows), few))
    let work = max(1, min(rows, block) * panelWork)
    // A tile in matrix registers is so quick that its rows are to be found in the first-level cache, while several panels pass.
    let isTiled = Self.hasMatrixRegisters && rows > Self.tileRows
    group = max(1, isTiled ? min(8, panels / 6) : min(Self.leastWork / work, panels / 16))
    groups = (panels + group - 1) / group
  }

  /// Parts in the grid.
  var count: Int { (rows + block - 1) / block * groups }

  /// All of them.
  var all: [(rows: Range<Int>, panels: Range<Int>)] { (0..<count).map { self[$0] } }

  /// Rows and panels of part `index`.
  subscript(index: Int) -> (rows: Range<Int>, panels: Range<Int>) {
    // Mostly there is one block of rows, and divisions take as long as a few rows.
    let (over, place) = rows <= block ? (0, index) : index.quotientAndRemainder(dividingBy: groups)
    let (row, panel) = (over * block, place * group)
    return (row..<min(rows, row + block), panel..<min(panels, panel + group))
  }
}
