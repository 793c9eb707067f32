package landing

import "errors"

// growing is a file that grows at its end by whole, durable pieces.
type growing struct {
	f      file
	size   int64 // of what is whole and durable
	broken error // set where the end of the file is no longer known
}

// append writes pieces, one behind the other, and makes them durable together, or takes
// them back.
func (g *growing) append(pieces ...[]byte) error {
	if g.broken != nil || len(pieces) == 0 {
		return g.broken
	}
	g.broken = errors.New("the last write was broken off") // until it is known how it went
	size := g.size
	var err error
	for _, piece := range pieces {
		if _, err = g.f.WriteAt(piece, size); err != nil {
			break
		}
		size += int64(len(piece))
	}
	written := err == nil
	if written {
		err = g.f.Sync()
	}
	if err == nil {
		g.broken = nil
		g.size = size
		return nil
	}
	// After a failed sync nobody knows what the disk holds, so nothing may follow.
	g.broken = err
	if undo := g.f.Truncate(g.size); undo == nil && !written {
		g.broken = nil
	}
	return err
}
