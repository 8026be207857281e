package schema_test

import (
	"fmt"

	"github.com/vinci-go/vinci/event"
	"github.com/vinci-go/vinci/event/schema"
)

// A change is compared with what stored events look like. That one field was added that
// is always written breaks readers: events of before lack it.
func ExampleCompare() {
	type before struct {
		OrderID string `json:"order_id"`
	}
	type after struct {
		OrderID string `json:"order_id"`
		Tenant  string `json:"tenant"`
	}
	old, err := schema.Of(event.Define[before]("order.placed"))
	if err != nil {
		fmt.Println(err)
		return
	}
	now, err := schema.Of(event.Define[after]("order.placed"))
	if err != nil {
		fmt.Println(err)
		return
	}
	changes, err := schema.Compare(old, now)
	if err != nil {
		fmt.Println(err)
		return
	}
	for _, c := range changes {
		fmt.Printf("%s: %s; breaks readers: %t\n", c.Kind, c.Path, c.Kind.Breaking())
	}
	// Output: new required: tenant; breaks readers: true
}
