package vrrp

// Reason says why an advert was refused. Tests, counters, logs and metrics
// share it. It is an error, and its text is the same in all of them.
type Reason uint8

// The reasons, in the order in which they are looked for: a packet with two
// faults is counted under the first. Only another interval in version 2 is
// looked for after the password, and the last ones after ReasonInterval: what
// is not authentic is not looked at further.
const (
	ReasonTTL          Reason = iota + 1 // TTL or hop limit is not 255, RFC 9568 §5.1.1.3
	ReasonVersion                        // not a version of this family, or not the configured one
	ReasonType                           // not an ADVERTISEMENT
	ReasonLength                         // not exactly as long as version, family and count say
	ReasonChecksum                       // RFC 9568 §5.2.8
	ReasonVRID                           // 0, or not the VRID of this virtual router
	ReasonCount                          // no address, erratum 8299
	ReasonFirstAddress                   // IPv6: the first address is not link-local, erratum 8300
	ReasonInterval                       // 0 (erratum 8301), or version 2 and not the configured one
	ReasonOwnSource                      // sent from this router's own address
	ReasonPeer                           // unicast: not sent by a configured peer
	ReasonSender                         // not sent by one of those who may
	ReasonOwner                          // priority 255 from one who may not say so
	ReasonAuthType                       // version 2: not the configured type of authentication
	ReasonAuth                           // version 2: another password
	ReasonAddressList                    // version 2: not the configured addresses, and not from their owner

	ReasonAuthMissing   // not signed, where it must be
	ReasonAuthMalformed // a trailer that is of no known type
	ReasonAuthKey       // signed with a key that is not known here
	ReasonAuthStale     // signed too long ago, or with a clock that is ahead
	ReasonAuthHMAC      // not signed with that key, or changed since
	ReasonAuthReplay    // signed rightly, but not later than what was heard before
)

var reasonNames = [...]string{
	ReasonTTL:          "ttl",
	ReasonVersion:      "version",
	ReasonType:         "type",
	ReasonLength:       "length",
	ReasonChecksum:     "checksum",
	ReasonVRID:         "vrid",
	ReasonCount:        "count",
	ReasonFirstAddress: "first_address",
	ReasonInterval:     "interval",
	ReasonOwnSource:    "own_source",
	ReasonPeer:         "peer",
	ReasonSender:       "sender",
	ReasonOwner:        "owner",
	ReasonAuthType:     "auth_type",
	ReasonAuth:         "auth",
	ReasonAddressList:  "address_list",

	ReasonAuthMissing:   "auth_missing",
	ReasonAuthMalformed: "auth_malformed",
	ReasonAuthStale:     "auth_stale",
	ReasonAuthKey:       "auth_key",
	ReasonAuthHMAC:      "auth_hmac",
	ReasonAuthReplay:    "auth_replay",
}

// Reasons returns every reason, in order.
func Reasons() []Reason {
	all := make([]Reason, 0, len(reasonNames)-1)
	for r := ReasonTTL; int(r) < len(reasonNames); r++ {
		all = append(all, r)
	}
	return all
}

// String returns the reason as metrics label it, such as "checksum".
func (r Reason) String() string { return nameOf(reasonNames[:], r) }

// Error makes a Reason an error; its text is String.
func (r Reason) Error() string { return r.String() }

// nameOf looks value up in a table of names that begins at 0 or 1.
func nameOf[T ~uint8](names []string, value T) string {
	if int(value) < len(names) && names[value] != "" {
		return names[value]
	}
	return "unknown"
}
