package track

import "testing"

// What keepalived 2.2.7 makes of scripts that succeed and fail, with every
// weight and direction, is what the rows without a name of their own say.
func TestTheEffectOfAResult(t *testing.T) {
	tests := []struct {
		name    string
		weight  int
		reverse bool
		state   State
		delta   int
		fault   bool
	}{
		{"no weight, up", 0, false, Up, 0, false},
		{"no weight, down", 0, false, Down, 0, true},
		{"no weight, unknown", 0, false, Unknown, 0, true},
		{"no weight, reverse, up", 0, true, Up, 0, true},
		{"no weight, reverse, down", 0, true, Down, 0, false},
		{"no weight, reverse, unknown", 0, true, Unknown, 0, true},
		{"positive, up", 20, false, Up, 20, false},
		{"positive, down", 20, false, Down, 0, false},
		{"positive, unknown", 20, false, Unknown, 0, false},
		{"positive, reverse, up", 20, true, Up, -20, false},
		{"positive, reverse, down", 20, true, Down, 0, false},
		{"positive, reverse, unknown", 20, true, Unknown, 0, false},
		{"negative, up", -20, false, Up, 0, false},
		{"negative, down", -20, false, Down, -20, false},
		{"negative, unknown", -20, false, Unknown, 0, false},
		{"negative, reverse, up", -20, true, Up, 0, false},
		{"negative, reverse, down", -20, true, Down, 20, false},
		{"negative, reverse, unknown", -20, true, Unknown, 0, false},
		{"the most", 254, false, Up, 254, false},
		{"the least is no fault", -254, false, Down, -254, false},
	}
	for _, tt := range tests {
		key := Key{KindScript, "chk"}
		delta, fault := Use{key, tt.weight, tt.reverse}.Effect(Result{Key: key, State: tt.state})
		if delta != tt.delta || fault != tt.fault {
			t.Errorf("%s: %d, fault %v; want %d, fault %v", tt.name, delta, fault, tt.delta, tt.fault)
		}
	}
}

func TestTheEffectOfAFile(t *testing.T) {
	tests := []struct {
		name    string
		weight  int
		reverse bool
		value   int
		delta   int
		fault   bool
	}{
		{"nothing", 1, false, 0, 0, false},
		{"a value as it is", 1, false, 7, 7, false},
		{"a negative value", 1, false, -7, -7, false},
		{"a value times a weight", 3, false, 7, 21, false},
		{"a value times a negative weight", -3, false, 7, -21, false},
		{"reverse", 3, true, 7, -21, false},
		{"a negative value, reverse", 3, true, -7, 21, false},
		{"just no fault", 1, false, -253, -253, false},
		{"just a fault", 1, false, -254, -254, true},
		{"a fault by its weight", -2, false, 127, -254, true},
		{"a fault by reverse", 1, true, 254, -254, true},
		{"just not clamped", 1, false, 253, 253, false},
		{"just clamped", 1, false, 254, 253, false},
		{"no overflow", 254, false, 2147483647, 253, false},
		{"no overflow of a fault", 254, false, -2147483647, -254, true},
		{"no weight, 0", 0, false, 0, 0, false},
		{"no weight, another", 0, false, 1, 0, true},
		{"no weight, negative", 0, false, -1, 0, true},
		{"no weight, reverse, 0", 0, true, 0, 0, true},
		{"no weight, reverse, another", 0, true, 1, 0, false},
	}
	for _, tt := range tests {
		key := Key{KindFile, "load"}
		delta, fault := Use{key, tt.weight, tt.reverse}.Effect(Result{Key: key, State: Up, Value: tt.value})
		if delta != tt.delta || fault != tt.fault {
			t.Errorf("%s: %d, fault %v; want %d, fault %v", tt.name, delta, fault, tt.delta, tt.fault)
		}
	}
}

func TestAPriorityStaysWithinItsLimits(t *testing.T) {
	tests := []struct {
		base  uint8
		delta int
		want  uint8
	}{
		{100, 0, 100}, {100, 20, 120}, {100, -20, 80},
		{100, -99, 1}, {100, -100, 1}, {100, -600, 1},
		{100, 154, 254}, {100, 155, 254}, {100, 600, 254},
		{1, 0, 1}, {254, 0, 254}, {254, 1, 254},
		{255, -100, 255}, {255, 100, 255},
	}
	for _, tt := range tests {
		if got := Priority(tt.base, tt.delta); got != tt.want {
			t.Errorf("Priority(%d, %d) is %d, want %d", tt.base, tt.delta, got, tt.want)
		}
	}
}
