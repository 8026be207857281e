package chaos

// recent is a map that forgets the oldest of more than limit keys.
type recent[K comparable, V any] struct {
	limit  int
	values map[K]V
	order  []K // as they were first put; may hold keys that were removed
}

func newRecent[K comparable, V any](limit int) *recent[K, V] {
	return &recent[K, V]{limit: limit, values: map[K]V{}}
}

func (r *recent[K, V]) get(k K) (V, bool) {
	v, ok := r.values[k]
	return v, ok
}

func (r *recent[K, V]) put(k K, v V) {
	if _, ok := r.values[k]; !ok {
		r.order = append(r.order, k)
	}
	r.values[k] = v
	for len(r.order) > r.limit {
		// One that was removed and put again stands twice, and goes early: that it is
		// forgotten sooner does no harm.
		delete(r.values, r.order[0])
		r.order = r.order[1:]
	}
}

func (r *recent[K, V]) remove(k K) { delete(r.values, k) }
