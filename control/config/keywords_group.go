package config

func groupKeywords() []keyword {
	list := []keyword{
		{name: "group", mark: essential, entries: "INSTANCE [… INSTANCE]", means: "members: master together, or not at all", repeats: true, take: of((*group).takeMembers)},
	}
	list = append(list, trackingKeywords()...)
	list = append(list, notifyKeywords()...)
	return append(list,
		keyword{name: "sync_group_tracking_weight", mark: rare, means: "members may track with weights of their own", take: is(func(g *group) *bool { return &g.weights })},
		keyword{name: "global_tracking", mark: rare, means: "old word for that", take: of((*group).takeGlobalTracking)},
	)
}
