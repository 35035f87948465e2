package vrrp

import "testing"

// RFC 2338 §5.3.6 and §5.3.10: 8 bytes, padded with zeros.
func TestAnAdvertCarriesThePasswordPaddedWithZeros(t *testing.T) {
	for _, test := range []struct {
		config  func(*Config)
		typ     uint8
		data    string
		version Version
	}{
		{password, 1, "secret\x00\x00", V2},
		{func(c *Config) { c.Version, c.Password = V2, "8 bytes!" }, 1, "8 bytes!", V2},
		{version2, 0, "\x00\x00\x00\x00\x00\x00\x00\x00", V2},
		{func(*Config) {}, 0, "\x00\x00\x00\x00\x00\x00\x00\x00", V3},
	} {
		a := newRouter(t, test.config).Advert(100)
		if a.Version != test.version || a.AuthType != test.typ || string(a.AuthData[:]) != test.data {
			t.Errorf("version %d: type %d, data %q; want %d, %q", a.Version, a.AuthType, a.AuthData, test.typ, test.data)
		}
	}
}

func TestAPairWithOnePasswordUnderstandsEachOther(t *testing.T) {
	r := newBackup(t, password)
	r.does(r.hear(after(0), higher, 200), Follow{Source: higher, Advert: r.advert(200)})
}

// RFC 3768 §5.3.10: ignored where there is no authentication.
func TestAuthenticationDataWithoutAuthenticationIsIgnored(t *testing.T) {
	r := newBackup(t, version2)
	a := r.advert(200)
	a.AuthData[3] = 7
	r.does(r.Step(after(0), AdvertReceived{Advert: a, Source: higher, At: after(0)}), Follow{Source: higher, Advert: a})
}
