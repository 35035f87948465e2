package notify

import (
	"bufio"
	"net"
	"strings"
	"sync"
	"testing"
)

// mailServer is a small SMTP server that takes all, unless answers says otherwise.
type mailServer struct {
	listener net.Listener
	running  sync.WaitGroup
	answers  map[string]string // to commands that begin so

	mu       sync.Mutex
	commands []string
	texts    []string
}

func startMailServer(t *testing.T, answers map[string]string) *mailServer {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	must(t, err)
	s := &mailServer{listener: listener, answers: answers}
	s.running.Go(s.accept)
	t.Cleanup(s.stop)
	return s
}

func (s *mailServer) stop() {
	s.listener.Close()
	s.running.Wait()
}

func (s *mailServer) address() string { return s.listener.Addr().String() }

func (s *mailServer) accept() {
	for {
		c, err := s.listener.Accept()
		if err != nil {
			return
		}
		s.running.Go(func() { s.serve(c) })
	}
}

func (s *mailServer) serve(c net.Conn) {
	defer c.Close()
	if !s.answer(c, "", "220 here") {
		return
	}
	lines := bufio.NewScanner(c)
	for lines.Scan() {
		s.mu.Lock()
		s.commands = append(s.commands, lines.Text())
		s.mu.Unlock()
		switch command := lines.Text(); {
		case command == "DATA":
			if s.answer(c, command, "354 go on") && s.answers[command] == "" {
				s.take(lines)
				s.answer(c, ".", "250 taken")
			}
		default:
			s.answer(c, command, "250 fine")
		}
	}
}

// answer says false where it does not.
func (s *mailServer) answer(c net.Conn, command, usual string) bool {
	for begin, answer := range s.answers {
		if strings.HasPrefix(command, begin) && (begin != "" || command == "") {
			usual = answer
		}
	}
	if usual == "" {
		_, _ = bufio.NewReader(c).ReadByte() // until the client goes
		return false
	}
	_, err := c.Write([]byte(usual + "\r\n"))
	return err == nil
}

func (s *mailServer) take(lines *bufio.Scanner) {
	var text []string
	for lines.Scan() && lines.Text() != "." {
		text = append(text, lines.Text())
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.texts = append(s.texts, strings.Join(text, "\n"))
}

func (s *mailServer) mails() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return append([]string(nil), s.texts...)
}
