package config

import (
	"reflect"
	"testing"
)

func TestWhatWePackIsUsedAsItIs(t *testing.T) {
	for _, path := range append(files(t, "../../packaging/*.conf", 1), files(t, "../../packaging/examples/*.conf", 2)...) {
		c, r := Load(path, Options{ID: "r1", System: host{}})
		if len(r.Problems()) > 0 {
			t.Errorf("%s:\n%s", path, said(r))
		}
		if len(c.Instances) == 0 {
			t.Errorf("%s: no instance", path)
		}
		complete(t, path, c)
	}
}

// The two of the pair differ only in who is preferred.
func TestTheExamplesAreAPair(t *testing.T) {
	one, r1 := Load("../../packaging/examples/gw1.conf", Options{System: host{}})
	two, r2 := Load("../../packaging/examples/gw2.conf", Options{System: host{}})
	if r1.Err() != nil || r2.Err() != nil {
		t.Fatal(r1.Err(), r2.Err())
	}
	if len(one.Instances) != len(two.Instances) || len(one.Groups) != 1 || len(two.Groups) != 1 {
		t.Fatalf("%+v and %+v", one, two)
	}
	for i := range one.Instances {
		a, b := one.Instances[i].Router, two.Instances[i].Router
		if a.Priority <= b.Priority {
			t.Errorf("%s: priorities %d and %d", one.Instances[i].Name, a.Priority, b.Priority)
		}
		a.Priority = b.Priority
		if !reflect.DeepEqual(a, b) {
			t.Errorf("%s: %+v and %+v", one.Instances[i].Name, a, b)
		}
	}
}
