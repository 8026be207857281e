// Package readmodel reads which generation of a read model is the current one.
//
// A read model is what a subscription makes of events, and of nothing else, for
// queries to read. When its handlers change, or its items are damaged, it is made
// anew from the log beside the old one, while events keep coming: that is a
// generation. Handlers put the generation into the keys of what they write, and
// queries into the keys of what they read:
//
//	var ProjectDashboard = bus.Subscription("project_dashboard",
//		bus.To(Placed, Captured), bus.Writes(tables.Dashboards), bus.Rebuildable())
//
//	func (…) onPlaced(ctx context.Context, e event.Event[OrderPlaced], tx *bus.Tx) error {
//		key := tables.ModelKey(bus.Namespace(ctx), e.TenantID)
//		…
//
//	dashboards := readmodel.NewReader(store, orders.ProjectDashboard, time.Second)
//	…
//	generation, err := dashboards.Generation(ctx)
//	d, err := tables.Dashboards.Get(ctx, store, orm.Key(tables.ModelKey(generation, tenant), month))
//
// One item of the table "state", the pointer, says which generation is current and
// which is being made: see [Pointer]. A function that reads it needs GetItem on that
// table: the role of a rebuildable subscription has it, as has each that commits
// events; others name it with bus.Reads(eventlog.State).
//
// A generation that is current no more is deleted when nobody can read it any more:
// see [MaxAge]. How one is made, and why no event is missing from it nor in it twice,
// says package readmodel/rebuild; it is apart because functions do not need it.
package readmodel
