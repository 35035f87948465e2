package main

import (
	"bytes"
	"io"
	"runtime"
	"testing"

	"github.com/vrrp-xdp/vrrp-xdp/datapath"
	"github.com/vrrp-xdp/vrrp-xdp/test/lab"
)

// mostInstructions is how many translated instructions each program had when
// this was written. More than a tenth above is a failure: then make the program
// smaller, or this number larger and say why: the last time it was who may speak,
// how much, and which signatures are worth a look. Other packets do not pass that.
var mostInstructions = map[datapath.Hook]int{
	datapath.HookXDP:     3311,
	datapath.HookIngress: 3660,
	datapath.HookAccept:  118,
	datapath.HookEgress:  612,
}

// quickReport measures little. Its thread is never given back: it and the
// network namespace end with the test.
func quickReport(t *testing.T) report {
	t.Helper()
	lab.NeedRoot(t)
	runtime.LockOSThread()
	r, err := measure(quick, io.Discard)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func TestEveryScenarioTakesThePathItNamesAndTheProgramsStaySmall(t *testing.T) {
	r := quickReport(t) // fails when a counter does not move by the number of packets
	if len(r.costs) != len(scenarios()) {
		t.Errorf("%d costs of %d scenarios", len(r.costs), len(scenarios()))
	}
	for _, s := range r.sizes {
		if limit := mostInstructions[s.hook] * 11 / 10; s.translated > limit {
			t.Errorf("program %s has %d instructions, more than %d", s.hook, s.translated, limit)
		}
	}
	for _, asMarkdown := range []bool{text, markdown} {
		var b bytes.Buffer
		if err := r.write(&b, asMarkdown); err != nil || b.Len() == 0 {
			t.Errorf("write the report: %d bytes, %v", b.Len(), err)
		}
	}
}
