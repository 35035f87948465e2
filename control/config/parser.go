package config

// parser builds statements from the tokens of lines, across files.
type parser struct {
	problems *problems
	stack    []open
	beyond   int // blocks that are deeper than any is read
	top      []Statement
	words    []Word // of the statement that is being read
}

// deepestBlock is more than the language has.
const deepestBlock = 16

// open is a block whose brace is not closed yet.
type open struct {
	statement Statement
	brace     Pos
}

// take reads the tokens of one line. A statement ends with its line, or at a
// brace; an opening brace may also stand on the next line.
func (p *parser) take(tokens []token, at Pos) {
	for _, t := range tokens {
		switch t.kind {
		case wordToken:
			p.words = append(p.words, t.word)
		case openToken:
			p.begin(at)
		case closeToken:
			p.end(at, noComment)
			p.close(at)
		case endToken:
			p.end(at, t.comment)
		}
	}
}

// end completes the statement that is being read.
func (p *parser) end(at Pos, c comment) {
	if len(p.words) > 0 {
		p.put(Statement{Pos: at, Words: p.words, comment: c})
		p.words = nil
	}
}

func (p *parser) put(s Statement) {
	list := p.list()
	*list = append(*list, s)
}

// list is where statements go.
func (p *parser) list() *[]Statement {
	if n := len(p.stack); n > 0 {
		return &p.stack[n-1].statement.Block
	}
	return &p.top
}

// begin opens the block of the statement on this line, or of the last one.
func (p *parser) begin(at Pos) {
	p.end(at, noComment)
	s := Statement{Pos: at}
	if list := p.list(); len(*list) > 0 && !(*list)[len(*list)-1].IsBlock {
		s = (*list)[len(*list)-1]
		*list = (*list)[:len(*list)-1]
	} else {
		p.problems.fail(at, "a block ({) without a keyword before it")
	}
	s.IsBlock = true
	if len(p.stack) == deepestBlock {
		p.problems.fail(at, "blocks within each other, more than %d deep", deepestBlock)
	}
	if len(p.stack) >= deepestBlock {
		p.beyond++
		return
	}
	p.stack = append(p.stack, open{s, at})
}

func (p *parser) close(at Pos) {
	if p.beyond > 0 {
		p.beyond--
		return
	}
	n := len(p.stack)
	if n == 0 {
		p.problems.fail(at, "a closing brace (}) without an opening one")
		return
	}
	s := p.stack[n-1].statement
	p.stack = p.stack[:n-1]
	p.put(s)
}

// finish returns all statements. Blocks that are still open are an error.
func (p *parser) finish() []Statement {
	for n := len(p.stack); n > 0; n-- {
		last := p.stack[n-1]
		p.problems.fail(last.brace, "the block of %q is not closed: a brace (}) is missing", last.statement.String())
		p.stack = p.stack[:n-1]
		p.put(last.statement)
	}
	return p.top
}
