extension Tool {
  /// All commands, in the order in which the help tells of them.
  package static let commands: [Command] = [
    basePull, baseAdd, baseList, baseShow, basePack, baseRemove, train, replay, eval, generate,
    chat, serve,
    list,
    show, runs, compare, promote, alias, rollback, history, tag, note, rename, remove,
    importAdapter, exportAdapter, keyAdd, keyList, keyRevoke, verify, collect, backup, restore,
  ]
}
