// Package parsers holds the fast path to the opinion of Go, on the same bytes
// and through both hooks: the parser of adverts in bpf/advert.h to the one in
// control/vrrp, which is the one that decides what is understood, and the
// answers to Neighbor Solicitations in bpf/ndp.h to a model of RFC 4861.
//
//	go test ./test/parsers -run Random -parsers.n=10000000 -parsers.seed=7 -timeout=1h
//	go test ./test/parsers -fuzz=FuzzBothAgree -fuzzminimizetime=1s
package parsers
