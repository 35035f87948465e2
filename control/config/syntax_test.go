package config

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// write makes files in a folder of their own, and returns the first one's path.
func write(t *testing.T, files ...string) string {
	t.Helper()
	dir := t.TempDir()
	for i := 0; i < len(files); i += 2 {
		path := filepath.Join(dir, files[i])
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(files[i+1]), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	return filepath.Join(dir, files[0])
}

// outline writes statements as "line: words { … }".
func outline(list []Statement) string {
	var all []string
	for _, s := range list {
		text := fmt.Sprintf("%d:%s", s.Line, s)
		if s.IsBlock {
			text += " {" + outline(s.Block) + "}"
		}
		all = append(all, text)
	}
	return strings.Join(all, "; ")
}

// faults are the problems as "file:line: text", without the folder.
func faults(list []Problem) string {
	var all []string
	for _, p := range list {
		p.File = filepath.Base(p.File)
		all = append(all, p.Error())
	}
	return strings.Join(all, "\n")
}

func TestHowTextBecomesStatements(t *testing.T) {
	tests := map[string]struct{ text, want string }{
		"words":                       {"priority  100\t", "1:priority 100"},
		"comments":                    {"! all of it\npriority 100 # the rest\nstate MASTER ! too", "2:priority 100; 3:state MASTER"},
		"a comment sign in a word":    {"auth_pass abc#def", "1:auth_pass abc"},
		"an escaped comment sign":     {`auth_pass abc\#d\!f`, "1:auth_pass abc#d!f"},
		"quotes":                      {`script "/bin/check # me" x`, `1:script "/bin/check # me" x`},
		"an empty word in quotes":     {`label ""`, `1:label ""`},
		"a carriage return":           {"priority 100\r\nstate BACKUP\r\n", "1:priority 100; 2:state BACKUP"},
		"a block":                     {"vrrp_instance V {\n interface eth0\n}", "1:vrrp_instance V {2:interface eth0}"},
		"a block on one line":         {"virtual_ipaddress { 10.0.0.1/24 dev eth0 }", "1:virtual_ipaddress {1:10.0.0.1/24 dev eth0}"},
		"a brace on the next line":    {"vrrp_instance V\n{\ninterface eth0 }", "1:vrrp_instance V {3:interface eth0}"},
		"braces without blanks":       {"global_defs{router_id r1}", "1:global_defs {1:router_id r1}"},
		"braces in quotes":            {`notify "a { b }"`, `1:notify "a { b }"`},
		"quotes in a command":         {`script "/bin/sh -c \"a b\"" root`, `1:script "/bin/sh -c "a b"" root`},
		"single quotes in a command":  {`notify '/bin/n a' root`, `1:notify "/bin/n a" root`},
		"single quotes elsewhere":     {`router_id 'a b'`, `1:router_id 'a b'`},
		"a command after a brace":     {`x { script '/bin/n a' }`, `1:x {1:script "/bin/n a"}`},
		"escapes in a command":        {`script "a\tb\101\x42\cA"`, "1:script \"a\tbAB\x01\""},
		"an empty block":              {"a { }", "1:a {}"},
		"blocks in blocks":            {"a {\n b {\n  c\n }\n d\n}", "1:a {2:b {3:c}; 5:d}"},
		"a definition":                {"$PRIO=120\npriority $PRIO", "2:priority 120"},
		"a definition in braces":      {"$NET=10.0\naddress ${NET}.0.1", "2:address 10.0.0.1"},
		"a definition of another":     {"$A=$B\n$B=7\nx $A", "3:x 7"},
		"a definition of many lines":  {"$VIPS=10.0.0.1 \\\n  10.0.0.2\nlist {\n$VIPS\n}", "3:list {4:10.0.0.1; 4:10.0.0.2}"},
		"the last definition counts":  {"$A=1\n$A=2\nx $A", "3:x 2"},
		"a line for this host":        {"@r1 priority 120\n@r2 priority 100", "1:priority 120"},
		"a line for every other host": {"@^r1 priority 120\n@^r2 priority 100", "2:priority 100"},
	}
	for name, c := range tests {
		got := Read(write(t, "file", c.text), "r1")
		if len(got.Problems) > 0 {
			t.Errorf("%s: %s", name, faults(got.Problems))
		}
		if text := outline(got.Statements); text != c.want {
			t.Errorf("%s: got %s, want %s", name, text, c.want)
		}
	}
}

func TestWhatIsWrongWithTheTextIsSaidWithItsLine(t *testing.T) {
	tests := map[string]struct{ text, want string }{
		"a quote that is not closed": {"\nscript \"/bin/check", `file:2: a quote (") that is not closed on its line`},
		"a block that is not closed": {"a {\nb {\nc\n}", `file:1: the block of "a" is not closed: a brace (}) is missing`},
		"two blocks that are not":    {"a {\nb {\n", "file:2: the block of \"b\" is not closed: a brace (}) is missing\nfile:1: the block of \"a\" is not closed: a brace (}) is missing"},
		"a brace too many":           {"a {\n}\n}", "file:3: a closing brace (}) without an opening one"},
		"a block without a keyword":  {"{\n}", "file:1: a block ({) without a keyword before it"},
		"a name that is not defined": {"priority $PRIO", "file:1: $PRIO is not defined: $PRIO=… must come before its use"},
		"the same in braces":         {"priority ${PRIO}", "file:1: ${PRIO} is not defined: $PRIO=… must come before its use"},
		"a definition of itself":     {"$A=$A\nx $A", "file:2: $A: definitions use each other more than 16 deep"},
		"a line that repeats itself": {"~SEQ(n,1,1,3) x $n", "file:1: lines that repeat themselves (~SEQ, ~LST) are not supported: write them out"},
		"a line that is too long":    {strings.Repeat("x", 1024), "file:1: a line of 1024 bytes; 1023 are allowed"},
		"no text file":               {"a\x00b", "file:1: a NUL byte: this is not a text file"},
		"an include without a name":  {"include", "file:1: include needs the name of one file"},
		"an include of two":          {"include a b", "file:1: include needs the name of one file"},
	}
	for name, c := range tests {
		if got := faults(Read(write(t, "file", c.text), "r1").Problems); got != c.want {
			t.Errorf("%s: got\n%s\nwant\n%s", name, got, c.want)
		}
	}
}

func TestIncludedFilesStandWhereTheyAreNamed(t *testing.T) {
	path := write(t,
		"main", "a\ninclude conf.d/*.conf\nb\n",
		"conf.d/1.conf", "$X=7\none {\ninclude ../two\n}\n",
		"conf.d/2.conf", "three $X\n",
		"two", "two\n",
	)
	got := Read(path, "r1")
	if text := outline(got.Statements); text != "1:a; 2:one {1:two}; 1:three 7; 3:b" || len(got.Problems) > 0 {
		t.Errorf("got %s\n%s", text, faults(got.Problems))
	}
	if f := filepath.Base(got.Statements[1].Block[0].File); f != "two" {
		t.Errorf("a statement of the file two says that it is of %s", f)
	}
}

func TestAFileThatCannotBeIncludedIsAnError(t *testing.T) {
	got := Read(write(t, "main", "x\ninclude missing.conf\n"), "r1")
	if text := faults(got.Problems); !strings.HasPrefix(text, "main:2: stat ") || !strings.HasSuffix(text, "missing.conf: no such file or directory") {
		t.Errorf("got %q", text)
	}
	if got := Read(write(t, "main", "include none/*.conf\n"), "r1"); len(got.Problems) > 0 {
		t.Errorf("a pattern without files: %s", faults(got.Problems))
	}
}

func TestFilesThatIncludeEachOtherAreFoundOut(t *testing.T) {
	got := Read(write(t, "main", "include other\n", "other", "include main\n"), "r1")
	if text := faults(got.Problems); !strings.Contains(text, "files include each other more than 16 deep") {
		t.Errorf("got %q", text)
	}
}

// Neither includes nor definitions that multiply make the reader run for ever.
func TestWhatMultipliesIsBounded(t *testing.T) {
	many := Read(write(t, "main", strings.Repeat("include main\n", 50)), "r1")
	if text := faults(many.Problems); !strings.Contains(text, "more than 1000 files") {
		t.Error("includes are not bounded")
	}
	definitions := "$A0=" + strings.Repeat("x", 900) + "\n"
	for i := 1; i < 16; i++ {
		definitions += fmt.Sprintf("$A%d=%s\n", i, strings.Repeat(fmt.Sprintf("$A%d ", i-1), 100))
	}
	long := Read(write(t, "main", definitions+"x $A15\n"), "r1")
	if text := faults(long.Problems); !strings.Contains(text, "definitions add more than 65536 bytes to this line") {
		t.Error("definitions are not bounded")
	}
}

func TestOnlyFilesAreRead(t *testing.T) {
	got := Read(write(t, "main", "include /dev/zero\ninclude .\n"), "r1")
	if text := faults(got.Problems); strings.Count(text, "not a file of text") != 2 {
		t.Errorf("got %q", text)
	}
}

func TestAMissingFileIsAnError(t *testing.T) {
	got := Read(filepath.Join(t.TempDir(), "none.conf"), "r1")
	if len(got.Problems) != 1 || !strings.Contains(got.Problems[0].Text, "no such file") {
		t.Errorf("got %v", got.Problems)
	}
}

// No input makes the reader panic or hang, and what it reads it can write and read again.
func FuzzRead(f *testing.F) {
	f.Add("vrrp_instance V {\n interface eth0 # x\n virtual_ipaddress { 10.0.0.1/24 }\n}\n$A=\"b\"\nx $A\n@r1 y\n")
	f.Add("a {\n}\n}\n{\n\"")
	dir := f.TempDir()
	f.Fuzz(func(t *testing.T, text string) {
		path := filepath.Join(dir, "fuzz")
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		Read(path, "r1")
	})
}
