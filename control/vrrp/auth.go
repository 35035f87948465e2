package vrrp

import "crypto/subtle"

// The types of authentication in version 2, RFC 2338 §5.3.6. RFC 3768 took all
// but the first away.
const (
	authNone     = 0
	authPassword = 1
)

func (c Config) authType() uint8 {
	if c.Password == "" {
		return authNone
	}
	return authPassword
}

// authData is the password behind the addresses, padded with zeros.
func (c Config) authData() (data [authLength]byte) {
	copy(data[:], c.Password)
	return data
}

// refuseAuth checks the authentication of an advert of version 2. What an advert
// without authentication has in its place is ignored, RFC 3768 §5.3.10.
func (c Config) refuseAuth(a Advert) (Reason, bool) {
	if a.AuthType != c.authType() {
		return ReasonAuthType, true
	}
	own := c.authData()
	if a.AuthType == authPassword && subtle.ConstantTimeCompare(a.AuthData[:], own[:]) == 0 {
		return ReasonAuth, true
	}
	return 0, false
}
