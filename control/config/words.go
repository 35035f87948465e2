package config

// Keyword is a word of the language, for those who look after all of it.
type Keyword struct {
	Block string // in which it stands, such as "vrrp_instance"; "" at the top of a file
	Name  string
	// Mark is 'E', 'C' or 'R' for what is essential, common or rare in files of
	// keepalived, and 'X' for what keepalived does not know.
	Mark byte
	// HasEffect is false for what is not used, or refused.
	HasEffect bool
}

// Keywords lists all keywords, in the order of the reference.
func Keywords() []Keyword {
	var list []Keyword
	for _, s := range sections() {
		for _, k := range s.keywords {
			list = append(list, Keyword{Block: string(s.place), Name: k.name, Mark: byte(k.mark), HasEffect: k.how == used})
		}
	}
	return list
}
