package config

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/vrrp-xdp/vrrp-xdp/control/vrrp"
)

const (
	textKey = "correct-horse-battery-staple-123"
	hexKey  = "hex:0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f"
)

// signedBy is an instance with that auth_hmac.
func signedBy(hmac string, more ...string) string {
	return "vrrp_instance V {\ninterface eth0\nvirtual_router_id 1\nvirtual_ipaddress {\n10.0.0.1\n}\nauth_hmac {\n" + hmac + "\n}\n" + strings.Join(more, "\n") + "\n}\n"
}

func keyOf(t *testing.T, secret []byte) vrrp.Key {
	t.Helper()
	k, err := vrrp.NewKey(secret)
	if err != nil {
		t.Fatal(err)
	}
	return k
}

func TestAnAuthHMACIsWhatItsKeywordsSay(t *testing.T) {
	text, digits := keyOf(t, []byte(textKey)), keyOf(t, []byte(strings.Repeat("\x0f", 32)))
	file := keyOf(t, []byte("01234567890123456789012345678901"))
	just := func(k vrrp.Key) map[uint8]vrrp.Key { return map[uint8]vrrp.Key{1: k} }
	for name, tt := range map[string]struct {
		text string
		want vrrp.Auth
	}{
		"hexadecimal":  {signedBy("key 1 " + hexKey + "\nactive_key 1"), vrrp.Auth{Keys: just(digits), Active: 1, Window: 5 * time.Second}},
		"a text":       {signedBy("key 1 " + textKey + "\nactive_key 1"), vrrp.Auth{Keys: just(text), Active: 1, Window: 5 * time.Second}},
		"a file":       {signedBy("key 1 file:/etc/key\nactive_key 1"), vrrp.Auth{Keys: just(digits), Active: 1, Window: 5 * time.Second}},
		"a text file":  {signedBy("key 1 file:/etc/text\nactive_key 1"), vrrp.Auth{Keys: just(file), Active: 1, Window: 5 * time.Second}},
		"several keys": {signedBy("key 1 " + hexKey + "\nkey 255 " + textKey + "\nactive_key 255"), vrrp.Auth{Keys: map[uint8]vrrp.Key{1: digits, 255: text}, Active: 255, Window: 5 * time.Second}},
		"quoted": {signedBy(`key 1 "a key with blanks, a # and a ! as 1"` + "\nactive_key 1"),
			vrrp.Auth{Keys: just(keyOf(t, []byte("a key with blanks, a # and a ! as 1"))), Active: 1, Window: 5 * time.Second}},
		"a window":        {signedBy("key 1 " + hexKey + "\nactive_key 1\ntime_window 300\nanti_replay time\nmode enforce"), vrrp.Auth{Keys: just(digits), Active: 1, Window: 300 * time.Second}},
		"monotonic":       {signedBy("key 1 " + hexKey + "\nactive_key 1\nanti_replay monotonic"), vrrp.Auth{Keys: just(digits), Active: 1, Monotonic: true}},
		"permissive":      {signedBy("key 1 " + hexKey + "\nactive_key 1\nmode permissive"), vrrp.Auth{Keys: just(digits), Active: 1, Mode: vrrp.AuthPermissive, Window: 5 * time.Second}},
		"receive-only":    {signedBy("key 1 " + hexKey + "\nactive_key 1\nmode receive-only"), vrrp.Auth{Keys: just(digits), Active: 1, Mode: vrrp.AuthReceiveOnly, Window: 5 * time.Second}},
		"version 3":       {signedBy("key 1 "+hexKey+"\nactive_key 1", "version 3", "advert_int 2.5"), vrrp.Auth{Keys: just(digits), Active: 1, Window: 8 * time.Second}},
		"a quick one":     {signedBy("key 1 "+hexKey+"\nactive_key 1", "version 3", "advert_int 0.01"), vrrp.Auth{Keys: just(digits), Active: 1, Window: 5 * time.Second}},
		"a very slow one": {signedBy("key 1 "+hexKey+"\nactive_key 1", "advert_int 255"), vrrp.Auth{Keys: just(digits), Active: 1, Window: 300 * time.Second}},
		"strict":          {signedBy("key 1 "+hexKey+"\nactive_key 1", "strict_mode"), vrrp.Auth{Keys: just(digits), Active: 1, Window: 5 * time.Second}},
	} {
		t.Run(name, func(t *testing.T) {
			got := mustLoad(t, tt.text).Instances[0].Router.Auth
			if !got.Equal(&tt.want) {
				t.Errorf("got %+v, want %+v", got, tt.want)
			}
		})
	}
}

// Nobody gets less than what is said: not even who asks to be lenient.
func TestAFaultyAuthHMACNeverMakesAnUnauthenticatedRouter(t *testing.T) {
	const good = "key 1 " + hexKey + "\nactive_key 1"
	for _, tt := range []struct {
		text string
		line int
		want string
	}{
		{signedBy("active_key 1"), 7, "auth_hmac has no key"},
		{signedBy("key 1 " + hexKey), 7, "auth_hmac has no active_key"},
		{signedBy("key 1 " + hexKey + "\nactive_key 2"), 9, "active_key: there is no key 2"},
		{signedBy("key 1 " + hexKey + "\nactive_key 0"), 9, "active_key: an id, 1..255, is missing"},
		{signedBy("key 0 " + hexKey + "\nactive_key 1"), 8, "key: an id, 1..255, is missing"},
		{signedBy("key " + hexKey + " 1\nactive_key 1"), 8, "key: an id, 1..255, is missing"},
		{signedBy("key 1\nactive_key 1"), 8, "key: a value is missing"},
		{signedBy("key 1 hex:0f0f\nactive_key 1"), 8, "key 1: a key of 2 bytes: it must have 32 to 64"},
		{signedBy("key 1 " + hexKey + "0\nactive_key 1"), 8, "key 1: what follows hex: is not an even number"},
		{signedBy("key 1 too-short\nactive_key 1"), 8, "key 1: a key of 9 bytes"},
		{signedBy("key 1 " + textKey + textKey + "1\nactive_key 1"), 8, "key 1: a key of 65 bytes"},
		{signedBy("key 1 " + textKey + "#more\nactive_key 1"), 8, "key 1 ends at the # or !"},
		{signedBy("key 1 file:/etc/missing\nactive_key 1"), 8, "key 1: read the key: open /etc/missing: no such file"},
		{signedBy("key 1 file:/etc/group-readable\nactive_key 1"), 8, "key 1: others than its owner can read /etc/group-readable"},
		{signedBy("key 1 file:/etc/short\nactive_key 1"), 8, "key 1: a key of 31 bytes"},
		{signedBy("key 1 file:keys/one\nactive_key 1"), 8, "key 1: say the whole path of the file"},
		{signedBy(good + "\nkey 1 " + textKey), 10, "key: there are two with the id 1, the other in line 8"},
		{signedBy(good + "\nkey 2 file:/etc/missing"), 10, "key 2: read the key"},
		{signedBy(good + "\nmode permissiv"), 10, "mode: permissiv is none of enforce, permissive, receive-only"},
		{signedBy(good + "\nanti_replay clock"), 10, "anti_replay: clock is neither time nor monotonic"},
		{signedBy(good + "\ntime_window 301"), 10, "time_window: 301 is outside 1..300"},
		{signedBy(good + "\ntime_window 0"), 10, "time_window: 0 is outside 1..300"},
		{signedBy(good+"\nmode permissive", "strict_mode"), 7, "auth_hmac: strict mode has mode enforce only"},
	} {
		for _, change := range [][]func(*Options){nil, {lenient}} {
			_, r := loadText(t, tt.text, change...)
			list := errorsOf(r)
			if len(list) != 1 || list[0].Severity != Fatal || list[0].Line != tt.line || !strings.HasPrefix(list[0].Text, tt.want) {
				t.Errorf("want line %d: %s\ngot %v\nof\n%s", tt.line, tt.want, list, tt.text)
			}
		}
	}
}

func TestAKeyThatEverybodyCanReadInTheConfigurationIsRefused(t *testing.T) {
	for _, change := range []func(*Options){func(*Options) {}, lenient} {
		o := Options{System: host{}}
		change(&o)
		_, r := Load(write(t, "readable", signedBy("key 1 "+hexKey+"\nactive_key 1")), o)
		if list := errorsOf(r); len(list) != 1 || list[0].Severity != Fatal || list[0].Text != "key: readable can be read by everybody" {
			t.Errorf("got %v", list)
		}
		// The path of a file is no secret.
		if _, r := Load(write(t, "readable", signedBy("key 1 file:/etc/key\nactive_key 1")), o); r.Err() != nil {
			t.Error(r.Err())
		}
	}
}

func TestAuthenticationIsTheOneOrTheOther(t *testing.T) {
	text := signedBy("key 1 "+hexKey+"\nactive_key 1", "authentication {\nauth_type PASS\nauth_pass secret\n}")
	_, r := loadText(t, text)
	if list := errorsOf(r); len(list) != 1 || !strings.HasPrefix(list[0].Text, "authentication and auth_hmac: take one of them out") {
		t.Errorf("got %v", list)
	}
	// As keepalived does it.
	c, r := loadText(t, text, lenient)
	if router := c.Instances[0].Router; r.Err() != nil || router.Auth == nil || router.Password != "" {
		t.Errorf("lenient: %+v, %v", router, r.Err())
	}
}

func TestAWindowWithoutAClockIsSaidToHaveNoEffect(t *testing.T) {
	_, r := loadText(t, signedBy("key 1 "+hexKey+"\nactive_key 1\nanti_replay monotonic\ntime_window 9"))
	if list := r.Problems(); len(list) != 1 || list[0].Severity != Warning || list[0].Line != 11 {
		t.Errorf("got %v", list)
	}
}

// 90 addresses fill an advert of IPv6: with a trailer one less has room.
func TestATrailerTakesTheRoomOfAnAddress(t *testing.T) {
	var list strings.Builder
	for i := range 90 {
		fmt.Fprintf(&list, "fe80::1:%x\n", i+1)
	}
	for mode, want := range map[string]int{"enforce": 89, "permissive": 89, "receive-only": 90} {
		c := mustLoad(t, "vrrp_instance V {\ninterface eth0\nvirtual_router_id 1\nvirtual_ipaddress {\n"+list.String()+"}\nauth_hmac {\nkey 1 "+hexKey+"\nactive_key 1\nmode "+mode+"\n}\n}\n")
		if in := c.Instances[0]; len(in.Addresses) != want || len(in.Excluded) != 90-want {
			t.Errorf("%s: %d addresses, %d excluded", mode, len(in.Addresses), len(in.Excluded))
		}
	}
}

func TestAKeyFileIsForItsOwnerOnly(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "key")
	for mode, fine := range map[os.FileMode]bool{0o600: true, 0o400: true, 0o640: false, 0o604: false, 0o620: false, 0o660: false, 0o644: false, 0o602: false} {
		_ = os.Remove(path)
		if err := os.WriteFile(path, []byte(hexKey+"\n"), 0o600); err != nil {
			t.Fatal(err)
		}
		if err := os.Chmod(path, mode); err != nil {
			t.Fatal(err)
		}
		switch text, err := ReadSecret(path); {
		case fine && (err != nil || string(text) != hexKey+"\n"):
			t.Errorf("mode %04o: %q, %v", mode, text, err)
		case !fine && (err == nil || len(text) > 0 || !strings.Contains(err.Error(), "chmod 600 "+path)):
			t.Errorf("mode %04o: %q, %v", mode, text, err)
		}
	}
	if err := os.WriteFile(path, make([]byte, 1025), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, what := range []string{path, dir, path + ".missing"} {
		if text, err := ReadSecret(what); err == nil || text != nil {
			t.Errorf("%s: %q, %v", what, text, err)
		}
	}
}
