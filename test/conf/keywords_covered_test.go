package conf

import (
	"os"
	"path/filepath"
	"regexp"
	"runtime"
	"strings"
	"testing"

	"github.com/vrrp-xdp/vrrp-xdp/control/config"
)

// The blocks in which keywords stand.
const (
	atTop      = ""
	inGlobal   = "global_defs"
	inInstance = "vrrp_instance"
	inAuth     = "authentication"
	inHMAC     = "auth_hmac"
	inGroup    = "vrrp_sync_group"
	inScript   = "vrrp_script"
	inProcess  = "vrrp_track_process"
	inFile     = "track_file"
	inCheck    = "vrrp_check"
)

// keyword is one of a block.
type keyword struct{ block, name string }

// covered is in which file a keyword's effect is shown.
var covered = make(map[keyword]string)

// covers says, beside a test, of which keywords of a block it shows the effect.
func covers(block string, names ...string) bool {
	_, file, _, _ := runtime.Caller(1)
	for _, name := range names {
		covered[keyword{block, name}] = file
	}
	return true
}

// A keyword without a test of what it does is one that may do nothing.
func TestEveryEssentialAndCommonKeywordIsShownToHaveItsEffect(t *testing.T) {
	known := make(map[keyword]bool)
	for _, w := range config.Keywords() {
		k := keyword{w.Block, w.Name}
		known[k] = true
		if file := covered[k]; file == "" && (w.Mark == 'E' || w.Mark == 'C') {
			t.Errorf("%s in %q is marked %c, and no test shows what it does", k.name, k.block, w.Mark)
		}
	}
	for k := range covered {
		if !known[k] {
			t.Errorf("there is no keyword %s in %q", k.name, k.block)
		}
	}
}

// A list is not enough: the keyword stands elsewhere in that file too, or in what
// all files use.
func TestWhatIsSaidToBeCoveredIsUsed(t *testing.T) {
	texts := make(map[string]string)
	for k, file := range covered {
		if texts[file] == "" {
			for _, name := range []string{file, filepath.Join(filepath.Dir(file), "keywords_site_test.go")} {
				text, err := os.ReadFile(name)
				must(t, err)
				texts[file] += strings.ReplaceAll(string(text), `\n`, "\n")
			}
		}
		word := regexp.MustCompile(`\b` + k.name + `\b`)
		if len(word.FindAllString(texts[file], 2)) < 2 {
			t.Errorf("%s in %q is only named in %s", k.name, k.block, file)
		}
	}
}
