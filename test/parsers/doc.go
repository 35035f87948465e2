// Package parsers holds the two parsers of adverts to one opinion: the one in
// the fast path (bpf/advert.h), which decides what is refused and counted, and
// the one in Go (control/vrrp), which decides what is understood. Its test
// feeds both the same bytes, through both hooks.
//
//	go test ./test/parsers -parsers.n=5000000 -parsers.seed=7
//	go test ./test/parsers -fuzz=FuzzParsersAgree -fuzzminimizetime=1s
package parsers
