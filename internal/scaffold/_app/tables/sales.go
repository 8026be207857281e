package tables

import "github.com/vinci-go/vinci/orm"

// Sale counts what was sold of one product.
type Sale struct {
	Product string `dynamo:"product,hash"`
	Units   int64  `dynamo:"units" default:"0"`
}

// Sales holds one item a product; an event handler keeps it.
var Sales = orm.Define[Sale, string]("sales", orm.Description("Units sold of each product, kept by an event handler."))

// SaleUnits is the attribute that the handler adds to.
var SaleUnits = orm.Number(Sales, func(s *Sale) *int64 { return &s.Units })
