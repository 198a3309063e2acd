extension Tool {
  /// All commands, in the order in which the help tells of them.
  package static let commands: [Command] = [
    basePull, baseAdd, baseList, baseShow, baseRemove, train, eval, generate, chat, list, show,
    runs, alias, rollback, importAdapter, exportAdapter,
  ]
}
