package lambda

import "testing"

// TestTrackerTakesRepeats: a record that comes twice, as under chaos, is on its way
// twice, and the position goes on when both are done.
func TestTrackerTakesRepeats(t *testing.T) {
	record := func(n string) []StreamRecord { return []StreamRecord{{SequenceNumber: n}} }
	tr := newTracker()
	position := ""
	save := func(p string) { position = p }
	for range 2 {
		tr.add(record("1"))
		tr.add(record("2"))
	}
	tr.finish(append(record("2"), record("2")...), save)
	if position != "" {
		t.Errorf("the position is %q before the first record is done", position)
	}
	tr.finish(append(record("1"), record("1")...), save)
	if position != "2" || len(tr.waiting) != 0 || len(tr.done) != 0 {
		t.Errorf("the position is %q, %d wait, %d are marked", position, len(tr.waiting), len(tr.done))
	}
}
