package datapath

import "unsafe"

const wordsOfRouter = int(unsafe.Sizeof(vrrpRouter{}) / 8)

// write tells the programs what the router is, while they read: by atomic stores
// of 64 bits. No field that can change lies in two of them (bpf/abi.h), so none
// is ever half old and half new; only fields of different words may be of
// different age, for some nanoseconds, and that is harmless:
//
//   - the number of addresses, and their sum: one advert may be counted as odd
//     that is not, or the other way round; nothing is refused for that;
//   - version and interval, and the flags: an advert is judged as just before or
//     just after, but for its flags by the other;
//   - the group: it stands alone, and with it the lease that is asked.
func (r *Router) write() {
	entry := vrrpRouter{
		Group:      r.group.index,
		VirtualMac: r.spec.VirtualMAC,
		DeviceMac:  r.spec.DeviceMAC,
		Version:    r.spec.Version,
		Priority:   r.priority,
		Interval:   r.spec.wireInterval(),
		Addresses:  uint32(len(r.spec.Addresses)),
		AddressSum: r.spec.addressSum(),
		Flags:      r.spec.flags(),
		Pace:       uint32(r.spec.Pace),
	}
	for i, word := range *(*[wordsOfRouter]uint64)(unsafe.Pointer(&entry)) {
		r.datapath.routers.store(int(r.slot)*wordsOfRouter+i, word)
	}
}

// SetDeviceMAC tells the fast path the interface's own address anew. The error
// is always nil.
func (r *Router) SetDeviceMAC(mac [6]byte) error {
	r.spec.DeviceMAC = mac
	r.write()
	return nil
}

// Remember tells the daemon that comes after this one at what priority the router
// is master; 0: it is none, or one that leaves, and must not be resumed.
func (r *Router) Remember(priority uint8) {
	if r.priority != priority {
		r.priority = priority
		r.write()
	}
}
