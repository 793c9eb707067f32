package partition

// heap is a binary heap of cursors, the next row first.
type heap []*cursor

func (h *heap) push(c *cursor) {
	*h = append(*h, c)
	for i := len(*h) - 1; i > 0; {
		parent := (i - 1) / 2
		if !(*h)[i].before((*h)[parent]) {
			return
		}
		(*h)[i], (*h)[parent] = (*h)[parent], (*h)[i]
		i = parent
	}
}

// step moves the first cursor to its next row, or where its run is at its end takes it
// out and closes it. keep is advance's.
func (h *heap) step(keep func(*batch)) error {
	first, last := (*h)[0], len(*h)-1
	more, err := first.advance(keep)
	if err != nil {
		return err
	}
	if !more {
		(*h)[0] = (*h)[last]
		*h = (*h)[:last]
		first.close()
	}
	h.fix()
	return nil
}

// fix restores the order after the first cursor moved on.
func (h heap) fix() {
	for i := 0; ; {
		child := 2*i + 1
		if child >= len(h) {
			return
		}
		if child+1 < len(h) && h[child+1].before(h[child]) {
			child++
		}
		if !h[child].before(h[i]) {
			return
		}
		h[i], h[child] = h[child], h[i]
		i = child
	}
}
