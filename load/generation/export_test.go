package generation

// SyncAll is what makes the files of a generation durable.
var SyncAll = syncAll
