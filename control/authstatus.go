package control

import (
	"cmp"
	"maps"
	"slices"
)

// AuthStatus is how an instance's adverts are authenticated; its JSON is stable.
type AuthStatus struct {
	Mode       string             `json:"mode"`
	ActiveKey  uint8              `json:"active_key"`
	Keys       []int              `json:"keys"` // ids of all that are accepted
	AntiReplay string             `json:"anti_replay"`
	WindowMS   float64            `json:"time_window_ms,omitempty"` // of anti_replay time
	Senders    []AuthSenderStatus `json:"senders"`                  // of adverts that were accepted
}

// AuthSenderStatus is what the last advert of a sender has shown.
type AuthSenderStatus struct {
	Address string `json:"address"`
	Signed  bool   `json:"signed"`
	Key     uint8  `json:"key,omitempty"`
	// ClockBehindMS is how far its time of day was behind ours when its advert
	// arrived; negative: it was ahead.
	ClockBehindMS float64 `json:"clock_behind_ms"`
}

func (in *instance) authStatus() *AuthStatus {
	auth := in.config.Router.Auth
	if auth == nil {
		return nil
	}
	s := &AuthStatus{Mode: auth.Mode.String(), ActiveKey: auth.Active, AntiReplay: "time", WindowMS: milliseconds(auth.Window)}
	if auth.Monotonic {
		s.AntiReplay, s.WindowMS = "monotonic", 0
	}
	for _, id := range slices.Sorted(maps.Keys(auth.Keys)) {
		s.Keys = append(s.Keys, int(id)) // a list of uint8 would be a text in JSON
	}
	for source, proof := range in.auth.senders {
		s.Senders = append(s.Senders, AuthSenderStatus{source.String(), proof.Signed, proof.Key, milliseconds(proof.Behind)})
	}
	slices.SortFunc(s.Senders, func(a, b AuthSenderStatus) int { return cmp.Compare(a.Address, b.Address) })
	return s
}
