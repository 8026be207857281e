package bus

// Part is what runs a subscription: a handler, made with [On], [OnTx] or
// [OnBatch], or middleware, made with [Use]. The same parts run in Lambda with
// [Start], in a consumer of one's own with [NewConsumer], and in a test.
type Part interface{ addTo(*parts) }

// Interface guards.
var (
	_ Part = Handler{}
	_ Part = use(nil)
)

// parts are Parts sorted by what they are, each kind in the order given.
type parts struct {
	handlers []Handler
	use      []Middleware
	problems []string // nil parts
}

func sorted(list []Part) parts {
	var p parts
	for i, part := range list {
		if isNil(part) {
			p.problem("part %d is nil: use bus.On, bus.OnTx, bus.OnBatch and bus.Use", i)
			continue
		}
		part.addTo(&p)
	}
	return p
}
