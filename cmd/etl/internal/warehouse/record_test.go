package warehouse

import (
	"testing"

	"nightjar/cmd/etl/internal/ledger"
	"nightjar/load/landing"
)

// What is decided of a landed run is noted in its journal by the same word.
func TestTheLedgerAndTheLandingZoneHaveTheSameWords(t *testing.T) {
	for word, status := range map[ledger.Status]landing.Status{
		ledger.Whole: landing.StatusLanded, ledger.Failed: landing.StatusFailed, ledger.Incomplete: landing.StatusIncomplete,
		ledger.Withheld: landing.StatusHeld, ledger.Accepted: landing.StatusAccepted,
		ledger.Discarded: landing.StatusDiscarded, ledger.RolledBack: landing.StatusRolledBack,
	} {
		if string(word) != string(status) {
			t.Errorf("the ledger says %q, and the landing zone %q", word, status)
		}
	}
}
