package script

import (
	"path/filepath"
	"strings"
	"testing"

	"os"

	"github.com/google/go-cmp/cmp"
)

// useAccounts makes these the users and groups of the host.
func useAccounts(t *testing.T, passwd, group string) {
	t.Helper()
	before := databases
	t.Cleanup(func() { databases = before })
	dir := t.TempDir()
	databases = map[string]string{"passwd": filepath.Join(dir, "passwd"), "group": filepath.Join(dir, "group")}
	must(t, os.WriteFile(databases["passwd"], []byte(passwd), 0o644))
	must(t, os.WriteFile(databases["group"], []byte(group), 0o644))
}

const (
	passwd = "root:x:0:0:root:/root:/bin/bash\n# a comment\nchk-vrrp:x:731:732:Checks,,,:/var/lib/chk:/usr/sbin/nologin\n" +
		"7310:x:740:741::/:\nbroken:x:many:1::/:\n"
	group = "root:x:0:\nchk-grp:x:732:\nchk-adm:x:733:other,chk-vrrp\nchk-own:x:734:chk-vrrp\nchk-not:x:735:chk-vrrp2\n"
)

func TestAUserIsFoundByNameAndByNumber(t *testing.T) {
	checks := User{Name: "chk-vrrp", UID: 731, GID: 732, Groups: []uint32{733, 734}, Home: "/var/lib/chk", Shell: "/usr/sbin/nologin"}
	inGroup := checks
	inGroup.GID = 735
	tests := []struct {
		user, group string
		want        User
	}{
		{"root", "", User{Name: "root", Home: "/root", Shell: "/bin/bash"}},
		{"chk-vrrp", "", checks},
		{"731", "", checks},
		{"chk-vrrp", "chk-not", inGroup},
		{"chk-vrrp", "735", inGroup},
		{"7310", "", User{Name: "7310", UID: 740, GID: 741, Home: "/"}},
	}
	useAccounts(t, passwd, group)
	for _, tt := range tests {
		got, err := LookupUser(tt.user, tt.group)
		if err != nil {
			t.Errorf("%s %s: %v", tt.user, tt.group, err)
		}
		if diff := cmp.Diff(tt.want, got); diff != "" {
			t.Errorf("%s %s (-want +got):\n%s", tt.user, tt.group, diff)
		}
	}
}

func TestAnUnknownUserOrGroupIsNamed(t *testing.T) {
	useAccounts(t, passwd, group)
	for _, tt := range []struct{ user, group, want string }{
		{"chk-nobody-such", "", `user "chk-nobody-such"`},
		{"", "", `user ""`},
		{"-x", "", `user "-x"`},
		{"broken", "", `user "broken"`},
		{"chk-vrrp", "chk-no-such", `group "chk-no-such"`},
	} {
		if _, err := LookupUser(tt.user, tt.group); err == nil || !strings.Contains(err.Error(), tt.want) {
			t.Errorf("%s %s: error is %v", tt.user, tt.group, err)
		}
	}
}

func TestWhomTheFilesDoNotKnowGetentMayKnow(t *testing.T) {
	useAccounts(t, "", "")
	got, err := LookupUser("nobody", "nogroup")
	if err != nil || got.UID != 65534 || got.GID != 65534 {
		t.Errorf("it is %+v, error %v", got, err)
	}
}
