package script

import (
	"testing"

	"github.com/google/go-cmp/cmp"
)

// keepalived 2.2.7 made the same arguments of these lines.
func TestALineIsSplitIntoWordsAsKeepalivedDoes(t *testing.T) {
	tests := []struct {
		line string
		want []string
	}{
		{"", nil},
		{" \t ", nil},
		{"/bin/true", []string{"/bin/true"}},
		{"a  b\tc", []string{"a", "b", "c"}},
		{`'a b' c`, []string{"a b", "c"}},
		{`"a b" c`, []string{"a b", "c"}},
		{`abcd" efg h jkl "mnop`, []string{"abcd efg h jkl mnop"}},
		{`abcd "efg h jkl" mnop`, []string{"abcd", "efg h jkl", "mnop"}},
		{`x'y z'w`, []string{"xy zw"}},
		{`'it's' xy z'w`, []string{"its xy zw"}},
		{`''`, []string{""}},
		{`"it's" 'a "b" c'`, []string{"it's", `a "b" c`}},
		{`a\ b \'c\" \\`, []string{"a b", `'c"`, `\`}},
		{`\a\b\E\f\n\r\t\v`, []string{"\a\b\x1b\f\n\r\t\v"}},
		{`'e\tf'`, []string{"e\tf"}},
		{`\101\1012\0`, []string{"AA2\x00"}},
		{`\x41 \x41B`, []string{"A", "\x1b"}},
		{`\x \xg`, []string{"x", "xg"}},
		{"a\x00b", []string{"a\x00b"}},
		{`\cA\cz`, []string{"\x01\x1a"}},
		{`grün 'ä ö'`, []string{"grün", "ä ö"}},
	}
	for _, tt := range tests {
		got, err := Split(tt.line)
		if err != nil {
			t.Errorf("%s: %v", tt.line, err)
		}
		if diff := cmp.Diff(tt.want, got); diff != "" {
			t.Errorf("%s (-want +got):\n%s", tt.line, diff)
		}
	}
}

func TestALineThatDoesNotEndItsQuoteIsRefused(t *testing.T) {
	for _, line := range []string{`'a`, `a"b c`, `a 'b" c`, `\`, `a \`, `'a\'`} {
		if got, err := Split(line); err == nil {
			t.Errorf("%s: split into %q", line, got)
		}
	}
}

func TestACommandIsWrittenAsItCouldBeConfigured(t *testing.T) {
	for _, args := range [][]string{{"/bin/true"}, {"/a b", "c'd", `e"f`, `g\h`, "", "i\nj", "k\tl"}} {
		text := Command{Args: args}.String()
		got, err := Split(text)
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(args, got); diff != "" {
			t.Errorf("%s (-want +got):\n%s", text, diff)
		}
	}
	if got := (Command{Line: "as it was", Args: []string{"as"}}).String(); got != "as it was" {
		t.Errorf("it is written %q", got)
	}
}

func FuzzSplit(f *testing.F) {
	for _, line := range []string{"", `a 'b c' "d"`, `\x41\101\cA\`, "'\\"} {
		f.Add(line)
	}
	f.Fuzz(func(t *testing.T, line string) {
		words, err := Split(line)
		if err != nil {
			return
		}
		again, err := Split(join(words))
		if diff := cmp.Diff(words, again); err != nil || diff != "" {
			t.Errorf("%q: error %v, differs:\n%s", words, err, diff)
		}
	})
}
