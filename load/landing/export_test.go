package landing

// Fault stands before every change of the file system that a zone makes; op is
// "create", "open", "write", "sync", "mkdir", "syncdir" or "truncate".
// A write that fails writes half of its bytes first.
type Fault func(op, path string) error

// SetFault puts f before every change that z makes from now on.
func SetFault(z *Zone, f Fault) { z.disk = faultyDisk{osDisk{}, f} }

// SetBeforePack has f called before z compresses a page.
func SetBeforePack(z *Zone, f func()) {
	pack := z.pack
	z.pack = func(dst, body []byte, level int) []byte {
		f()
		return pack(dst, body, level)
	}
}

// The bounds that tests have to reach.
const (
	MaxHeld     = maxHeld
	KeptQueries = keptQueries
)

type faultyDisk struct {
	osDisk
	fault Fault
}

func (d faultyDisk) wrap(op, path string, open func(string) (file, error)) (file, error) {
	if err := d.fault(op, path); err != nil {
		return nil, err
	}
	f, err := open(path)
	if err != nil {
		return nil, err
	}
	return &faultyFile{f, path, d.fault}, nil
}

func (d faultyDisk) Create(path string) (file, error) { return d.wrap("create", path, d.osDisk.Create) }
func (d faultyDisk) Open(path string) (file, error)   { return d.wrap("open", path, d.osDisk.Open) }

func (d faultyDisk) Mkdir(path string) error {
	if err := d.fault("mkdir", path); err != nil {
		return err
	}
	return d.osDisk.Mkdir(path)
}

func (d faultyDisk) SyncDir(path string) error {
	if err := d.fault("syncdir", path); err != nil {
		return err
	}
	return d.osDisk.SyncDir(path)
}

type faultyFile struct {
	file
	path  string
	fault Fault
}

func (f *faultyFile) WriteAt(b []byte, off int64) (int, error) {
	if err := f.fault("write", f.path); err != nil {
		n, _ := f.file.WriteAt(b[:len(b)/2], off)
		return n, err
	}
	return f.file.WriteAt(b, off)
}

func (f *faultyFile) Sync() error {
	if err := f.fault("sync", f.path); err != nil {
		return err
	}
	return f.file.Sync()
}

func (f *faultyFile) Truncate(size int64) error {
	if err := f.fault("truncate", f.path); err != nil {
		return err
	}
	return f.file.Truncate(size)
}

// SignedLine appends a line of a journal, without its line feed, whose members are text.
func SignedLine(dst []byte, kind, members string) []byte {
	start := len(dst)
	dst = append(dst, typePrefix+kind+`",`+members...)
	return append(dst, crcPrefix+checksum(dst[start:])+crcSuffix...)
}
