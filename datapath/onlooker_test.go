package datapath

import (
	"errors"
	"os"
	"testing"
	"time"
)

func TestAnOnlookerSeesTheLeasesAndThatTheMapsAreReplaced(t *testing.T) {
	newNetwork(t)
	newVeth(t, "va", "vb")
	if _, err := OpenOnlooker("va"); !errors.Is(err, os.ErrNotExist) {
		t.Fatalf("error %v where nothing is pinned, want os.ErrNotExist", err)
	}
	crashed(t, TC, false, "va")
	o, err := OpenOnlooker("va")
	if err != nil {
		t.Fatal(err)
	}
	defer func() {
		if err := o.Close(); err != nil {
			t.Error(err)
		}
	}()
	place, ok := o.Find(10, 6)
	if !ok {
		t.Fatal("the router was not found")
	}
	if until, yielded := o.Lease(place); until < Now()+time.Minute || yielded != 0 {
		t.Errorf("lease until %v, yielded at %v; want an hour and never", until, yielded)
	}
	if _, ok := o.Find(11, 6); ok {
		t.Error("a router was found that is not there")
	}
	if o.Replaced() {
		t.Error("the maps count as replaced by nobody")
	}
	d := openOn(t, "va")
	if _, err := d.Attach("va", TC); err != nil {
		t.Fatal(err)
	}
	if err := d.EndPredecessors(); err != nil {
		t.Fatal(err)
	}
	if !o.Replaced() {
		t.Error("the maps do not count as replaced by those of the next daemon")
	}
	if until, _ := o.Lease(place); until != 0 {
		t.Errorf("the old lease ends at %v, want 0", until)
	}
}
