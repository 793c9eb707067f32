package ledger

import (
	"slices"

	"nightjar/load/ref"
)

// Recall opens the book of a warehouse that has lost its generations, from what was
// decided and what has landed. First is the oldest run that is recorded, empty for
// none. Where no decision tells of a landed run, its own status does: one that came to
// its end counts, and so do those before it that did not, since it took them over.
func Recall(first ref.RunID, decisions []Decision, landed map[ref.Stream][]Landed) (*Book, error) {
	base, from := unknownParent(decisions)
	settled := map[ref.Stream]Settled{}
	for s, all := range landed {
		told := slices.IndexFunc(all, func(l Landed) bool {
			if base != "" {
				return l.ID > base
			}
			return first != "" && l.ID >= first
		})
		if told >= 0 {
			all = all[:told]
		}
		if kept := infer(all); kept.Through != "" {
			settled[s] = kept
		}
	}
	if base == "" && len(settled) > 0 {
		base = "before " + first
		decisions = slices.Clone(decisions)
		if i := slices.IndexFunc(decisions, func(d Decision) bool { return d.Kind == Publish }); i >= 0 {
			decisions[i].Parent = base
		}
	}
	b := Open(base, settled)
	for i, d := range decisions {
		if i < from && (d.Kind == Publish || d.Kind == Rollback) {
			continue // of a generation before the base, which has it
		}
		if err := b.Add(d); err != nil {
			return nil, err
		}
	}
	return b, nil
}

// unknownParent finds the last generation that decisions are built on and none of them
// made, and the first decision that is built on it.
func unknownParent(decisions []Decision) (base ref.RunID, from int) {
	known := map[ref.RunID]bool{"": true}
	for i, d := range decisions {
		if (d.Kind == Publish || d.Kind == Rollback) && !known[d.Parent] {
			base, from = d.Parent, i
			known = map[ref.RunID]bool{"": true, base: true}
		}
		if d.Kind == Publish {
			known[d.RunID] = true
		}
	}
	return base, from
}

// infer says which landed runs count by their own status.
func infer(landed []Landed) Settled {
	var kept Settled
	for _, l := range landed {
		if l.Status == Whole || l.Status == Accepted {
			kept.Through = l.ID
		}
	}
	for _, l := range landed {
		if l.ID <= kept.Through && (l.Status.waits() || l.Status == Discarded) {
			kept.Except = append(kept.Except, l.ID)
		}
	}
	return kept
}
