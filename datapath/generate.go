package datapath

// The compiler is pinned so that `make check-generate` compares like with like.
// Alignment of packet fields is the same on both byte orders: one source, two objects.
//go:generate go tool bpf2go -cc clang-14 -strip llvm-strip-14 -target bpfel,bpfeb -cflags "-O2 -g -Wall -Wextra -Werror -mcpu=v3 -idirafter /usr/include/x86_64-linux-gnu" -type router_key -type vip4_key -type vip6_key -type lease -type router_flag -type router -type other_key -type checksum_form -type other -type event -type event_kind -type counter -type counters -type arrival_times -type sender_key -type sender_kind -type sender_flag -type sender -type peer_key -type peer -type auth -type strangers_bound vrrp ../bpf/vrrp.bpf.c
