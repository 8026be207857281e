package orm

import (
	"fmt"
	"slices"
)

// Option changes a definition.
type Option func(*definer)

// Stream turns the table's change stream on, with old and new images.
//
// https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/Streams.html
func Stream() Option { return func(d *definer) { d.schema.Stream = true } }

// TTL names the attribute by which DynamoDB expires items: a number of epoch
// seconds. Expiry is best effort, typically within two days: readers that care
// check the attribute themselves. Once it is deployed, [Settings].TTLOff ends it:
// leaving the option out does not.
//
// https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/TTL.html
func TTL(attribute string) Option { return func(d *definer) { d.schema.TTL = attribute } }

// Description says in a sentence what the table holds.
func Description(text string) Option { return func(d *definer) { d.schema.Description = text } }

// KeysOnly makes an index hold only the keys of the table and its own. The
// default is all attributes.
func KeysOnly(index string) Option {
	return func(d *definer) { d.project(index, ProjectKeysOnly, nil) }
}

// Include makes an index hold its keys and the named attributes.
func Include(index string, attributes ...string) Option {
	return func(d *definer) { d.project(index, ProjectInclude, attributes) }
}

// The projections an index may have.
//
// https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_Projection.html
const (
	ProjectAll      = "ALL"
	ProjectKeysOnly = "KEYS_ONLY"
	ProjectInclude  = "INCLUDE"
)

func (d *definer) project(index, projection string, include []string) {
	i := slices.IndexFunc(d.schema.Indexes, func(x IndexSchema) bool { return x.Name == index })
	if i < 0 {
		d.problem("", fmt.Sprintf("the projection of index %q is set, and no field declares that index: declared are %s", index, list(indexNames(d.schema))))
		return
	}
	d.schema.Indexes[i].Projection = projection
	d.schema.Indexes[i].Include = slices.Clone(include)
	for _, a := range include {
		if _, ok := d.schema.Attribute(a); !ok {
			d.problem("", fmt.Sprintf("index %q includes attribute %q, which the table does not have: it has %s", index, a, list(attributeNames(d.schema))))
		}
	}
	if projection == ProjectInclude && len(include) == 0 {
		d.problem("", fmt.Sprintf("index %q includes no attribute: name some, or use orm.KeysOnly", index))
	}
}
