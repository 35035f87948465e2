package track

// Use is an instance's use of a tracker.
type Use struct {
	Key    Key
	Weight int // -254..254; 0: Down is a fault of the instance
	// Reverse: without a weight Up is the fault; with one the effect has the
	// opposite sign.
	Reverse bool
}

// The priority that tracking gives: 0 and 255 have meanings of their own.
const (
	leastPriority = 1
	mostPriority  = 254
	owner         = 255
)

// fault is what a file has to be worth to be one.
const fault = -254

// Effect is what a result means to whoever uses the tracker: what is added to
// the priority, and whether it is a fault.
//
// A positive weight is added while Up, a negative one while Down, and Reverse
// negates what is added: with it a weight of 20 takes 20 away while Up, as
// keepalived does. A file's value is multiplied by the weight; -254 or less is a
// fault. Without a weight Down is a fault, of a file any value but 0. Unknown
// is a fault without a weight, Reverse or not, and adds nothing with one.
func (u Use) Effect(r Result) (delta int, isFault bool) {
	switch {
	case r.State == Unknown:
		return 0, u.Weight == 0
	case u.Key.Kind == KindFile:
		return u.valueEffect(int64(r.Value))
	case u.Weight == 0:
		return 0, (r.State == Down) != u.Reverse
	case (u.Weight > 0) != (r.State == Up):
		return 0, false
	case u.Reverse:
		return -u.Weight, false
	}
	return u.Weight, false
}

func (u Use) valueEffect(value int64) (delta int, isFault bool) {
	if u.Weight == 0 {
		return 0, (value != 0) != u.Reverse
	}
	product := value * int64(u.Weight)
	if u.Reverse {
		product = -product
	}
	if product <= fault {
		return fault, true
	}
	return int(min(product, -fault-1)), false
}

// Priority is the effective priority: base and all deltas, clamped to 1..254;
// an owner's 255 is not moved.
func Priority(base uint8, delta int) uint8 {
	if base == owner {
		return base
	}
	return uint8(min(max(int(base)+delta, leastPriority), mostPriority))
}
