package config

import (
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"
)

// Bounds, so that no file makes the reader run for ever: how deep files may
// include each other, and definitions; how many files there may be; how long a
// line may become, and a file be.
const (
	deepest      = 16
	mostFiles    = 1000
	longestText  = 64 << 10
	greatestFile = 4 << 20
)

// reader turns files into statements. All files share its definitions.
type reader struct {
	id       string            // what `@id` lines are compared with
	defined  map[string]string // by name, without the $
	origins  map[string]string // of what is defined: the file
	borrowed map[Pos][]string  // files whose definitions a line uses
	problems problems
	open     []string // files that are being read, the outermost first
	files    int      // that were read so far
}

// Source is a configuration as it is written, before anybody asks what it means.
type Source struct {
	Statements []Statement
	Problems   []Problem

	borrowed map[Pos][]string
}

// Read reads a file and all that it includes. id is what lines such as
// `@r1 priority 120` are compared with: keepalived takes the host's name up to
// its first dot. Problems of reading and of syntax are in the answer.
func Read(path, id string) Source {
	r := &reader{id: id, defined: make(map[string]string), origins: make(map[string]string), borrowed: make(map[Pos][]string)}
	p := parser{problems: &r.problems}
	r.file(path, Pos{File: path}, &p)
	return Source{p.finish(), r.problems, r.borrowed}
}

// file feeds a file to the parser. at is where it is asked for.
func (r *reader) file(path string, at Pos, p *parser) {
	if len(r.open) == deepest {
		r.problems.fail(at, "include %s: files include each other more than %d deep", path, deepest)
		return
	}
	if r.files == mostFiles {
		r.problems.fail(at, "include %s: more than %d files", path, mostFiles)
		return
	}
	r.files++
	text, err := readText(path)
	switch {
	case err != nil && len(r.open) == 0:
		r.problems.fail(at, "%v", err)
		return
	case err != nil:
		r.problems.skip(at, "%v", err)
		return
	}
	r.open = append(r.open, path)
	defer func() { r.open = r.open[:len(r.open)-1] }()
	lines := strings.Split(text, "\n")
	for i := 0; i < len(lines); i++ {
		pos := Pos{path, i + 1}
		if name, value, ok := asDefinition(lines[i]); ok {
			for strings.HasSuffix(value, `\`) && i+1 < len(lines) {
				i++
				value = strings.TrimSuffix(value, `\`) + "\n" + strings.TrimSpace(lines[i])
			}
			r.defined[name], r.origins[name] = value, path
			continue
		}
		r.line(lines[i], pos, p)
	}
}

func readText(path string) (string, error) {
	info, err := os.Stat(path)
	if err != nil {
		return "", err
	}
	if !info.Mode().IsRegular() || info.Size() > greatestFile {
		return "", fmt.Errorf("read %s: not a file of text of at most %d MiB", path, greatestFile>>20)
	}
	text, err := os.ReadFile(path)
	return string(text), err
}

var definitionLine = regexp.MustCompile(`^\s*\$([A-Za-z_][A-Za-z0-9_]*)=(.*)$`)

func asDefinition(line string) (name, value string, ok bool) {
	m := definitionLine.FindStringSubmatch(line)
	if m == nil {
		return "", "", false
	}
	return m[1], strings.TrimSpace(m[2]), true
}

// line takes one physical line.
func (r *reader) line(text string, at Pos, p *parser) {
	if len(text) >= longestLine {
		r.problems.skip(at, "a line of %d bytes; %d are allowed", len(text), longestLine-1)
		return
	}
	text, kept := r.condition(text)
	if !kept {
		return
	}
	for _, line := range strings.Split(r.expand(text, at), "\n") {
		if r.include(line, at, p) {
			continue
		}
		tokens, fault := splitLine(line)
		if fault != "" {
			r.problems.fail(at, "%s", fault)
		}
		p.take(tokens, at)
	}
}

// condition looks at `@id text` and `@^id text`, which are for some hosts only.
func (r *reader) condition(text string) (rest string, kept bool) {
	trimmed := strings.TrimLeft(text, " \t")
	if !strings.HasPrefix(trimmed, "@") {
		return text, true
	}
	id, rest, _ := strings.Cut(trimmed[1:], " ")
	if other, not := strings.CutPrefix(id, "^"); not {
		return rest, other != r.id
	}
	return rest, id == r.id
}

var use = regexp.MustCompile(`\$(\{[^}]*\}|[A-Za-z_][A-Za-z0-9_]*)`)

// expand puts in what names were defined to be. A name that was not is an error:
// keepalived leaves the text as it is, which then means something else.
func (r *reader) expand(text string, at Pos) string {
	if trimmed := strings.TrimSpace(text); strings.HasPrefix(trimmed, "~SEQ") || strings.HasPrefix(trimmed, "~LST") {
		r.problems.fail(at, "lines that repeat themselves (~SEQ, ~LST) are not supported: write them out")
		return ""
	}
	x := expansion{reader: r, at: at, room: longestText}
	return x.expand(text, 0)
}

// expansion is that of one line.
type expansion struct {
	*reader
	at   Pos
	room int // bytes that definitions may yet add; 0: there were too many
}

func (x *expansion) expand(text string, depth int) string {
	return use.ReplaceAllStringFunc(text, func(found string) string {
		name := strings.Trim(found[1:], "{}")
		value, ok := x.defined[name]
		switch {
		case x.room == 0:
			return ""
		case !ok:
			x.problems.fail(x.at, "%s is not defined: $%s=… must come before its use", found, name)
			return ""
		case depth == deepest:
			x.problems.fail(x.at, "%s: definitions use each other more than %d deep", found, deepest)
			return ""
		}
		x.borrowed[x.at] = append(x.borrowed[x.at], x.origins[name])
		if x.room = max(x.room-len(value)-1, 0); x.room == 0 {
			x.problems.fail(x.at, "%s: definitions add more than %d bytes to this line", found, longestText)
			return ""
		}
		return x.expand(value, depth+1)
	})
}

// include obeys an include line, and tells whether it was one.
func (r *reader) include(line string, at Pos, p *parser) bool {
	tokens, _ := splitLine(line)
	if len(tokens) < 2 || tokens[0].kind != wordToken || !isInclude(tokens[0].word.Text) {
		return false
	}
	if len(tokens) != 3 || tokens[1].kind != wordToken {
		r.problems.fail(at, "%s needs the name of one file", tokens[0].word.Text)
		return true
	}
	pattern := tokens[1].word.Text
	if !filepath.IsAbs(pattern) {
		pattern = filepath.Join(filepath.Dir(at.File), pattern)
	}
	files, err := filepath.Glob(pattern)
	if err != nil {
		r.problems.fail(at, "include %s: %v", pattern, err)
		return true
	}
	if len(files) == 0 && !strings.ContainsAny(pattern, "*?[") {
		files = []string{pattern} // to be told what is wrong with it
	}
	for _, f := range files {
		r.file(f, at, p)
	}
	return true
}

// isInclude knows include and its stricter forms; ours is as strict as any.
func isInclude(word string) bool {
	switch word {
	case "include", "includer", "includem", "includew", "includeb", "includea":
		return true
	}
	return false
}
