package config

import (
	"strings"
	"testing"
)

func TestTheReportOfAFileTellsWhatBecameOfEachLine(t *testing.T) {
	for _, path := range files(t, "testdata/report/*.conf", 3) {
		_, r := Load(path, Options{ID: "r1", System: host{}})
		var text, document strings.Builder
		if err := r.WriteText(&text); err != nil {
			t.Fatal(err)
		}
		if err := r.WriteJSON(&document); err != nil {
			t.Fatal(err)
		}
		base := strings.TrimSuffix(path, ".conf")
		golden(t, base+".txt", text.String())
		golden(t, base+".json", document.String())
	}
}

// However a password is written, no report shows it.
func TestPasswordsAreNotShown(t *testing.T) {
	for _, line := range []string{
		"authentication {\nauth_type PASS\nauth_pass hunter2hunter2\n}",
		"authentication {\nauth_type PASS\nauth_pass hunter2 hunter2\n}",
		"authentication { auth_type PASS auth_pass hunter2 }",
		"authentication {\nauth_type PASS hunter2\n}",
		"auth_pass hunter2",
		"auth_password hunter2",
		"auth_key hunter2",
		"authentication {\nauht_pass hunter2\nauthpass hunter2\npassword hunter2\n}",
		"auth_hmac {\nkey hunter2\n}",
		"auth_hmac {\nkey hunter2 hunter2hunter2hunter2hunter2hunter2 hunter2\n}",
		"auth_hmac {\nkey 1 hunter2\n}",
		"auth_hmac {\nkey 1 hunter2hunter2hunter2hunter2hunter2\n}",
		"auth_hmac {\nkey 1 hex:hunter2\n}",
		"auth_hmac {\nkey 1 hunter2#hunter2\n}",
		"auth_hmac {\nkey1 hunter2\nkeys 1 hunter2\nke 1 hunter2\nkee 1 hunter2\nactive_key hex:hunter2\n}",
		"auth_hmac { key 1 hunter2 }",
	} {
		_, r := loadText(t, "vrrp_instance A {\n"+line+"\n}\n")
		var text strings.Builder
		if err := r.WriteText(&text); err != nil {
			t.Fatal(err)
		}
		if strings.Contains(text.String(), "hunter2") {
			t.Errorf("%s: the password is shown:\n%s", line, text.String())
		}
	}
}

func TestThatAFileCannotBeReadIsALineOfTheReport(t *testing.T) {
	_, r := Load(t.TempDir()+"/none.conf", Options{System: host{}, Lenient: true})
	if err := r.Err(); err == nil || !strings.Contains(err.Error(), "none.conf:0: ") || !strings.Contains(err.Error(), "no such file") {
		t.Errorf("got %v", err)
	}
}

func TestAKeywordThatIsNearIsSuggested(t *testing.T) {
	known := newLanguage()[inInstance]
	for word, want := range map[string]string{
		"prioritty": "priority", "virtual_ipadress": "virtual_ipaddress", "unicast_src": "unicast_src_ip", "nopremept": "nopreempt",
		"sate": "state", "wurst": "", "x": "", "advert_interval": "",
	} {
		if got := nearest(word, known); got != want {
			t.Errorf("%s: suggested %q, not %q", word, got, want)
		}
	}
}
