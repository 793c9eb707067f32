package generation

// SyncAll is what makes the files of a generation durable.
var SyncAll = syncAll

// SetRemove puts f in the place of what removes a folder with all that is in it.
func SetRemove(s *Store, f func(dir string) error) { s.remove = f }
