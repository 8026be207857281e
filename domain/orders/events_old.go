package orders

import "encoding/json"

// OrderPlacedV1 is order.placed as it was first: amounts are decimal numbers.
type OrderPlacedV1 struct {
	OrderID      string      `json:"order_id"`
	CustomerID   string      `json:"customer_id"`
	CustomerName string      `json:"customer_name"`
	Items        []ItemV1    `json:"items"`
	Total        json.Number `json:"total"` // the text of the number, so that no float comes in between
	Currency     string      `json:"currency"`
}

// ItemV1 is one line of an order in versions 1 and 2.
type ItemV1 struct {
	ProductID string      `json:"product_id"`
	Title     string      `json:"title"`
	Price     json.Number `json:"price"`
	Quantity  int         `json:"quantity"`
}

// OrderPlacedV2 adds the discount code.
type OrderPlacedV2 struct {
	OrderID      string      `json:"order_id"`
	CustomerID   string      `json:"customer_id"`
	CustomerName string      `json:"customer_name"`
	Items        []ItemV1    `json:"items"`
	Total        json.Number `json:"total"`
	Currency     string      `json:"currency"`
	DiscountCode string      `json:"discount_code,omitempty"`
}

func addDiscountCode(old OrderPlacedV1) (OrderPlacedV2, error) {
	return OrderPlacedV2{
		OrderID: old.OrderID, CustomerID: old.CustomerID, CustomerName: old.CustomerName,
		Items: old.Items, Total: old.Total, Currency: old.Currency,
	}, nil
}

func countInMinorUnits(old OrderPlacedV2) (OrderPlaced, error) {
	total, err := minorUnits(old.Total.String(), old.Currency)
	if err != nil {
		return OrderPlaced{}, err
	}
	placed := OrderPlaced{
		OrderID: old.OrderID, CustomerID: old.CustomerID, CustomerName: old.CustomerName,
		Total: Money{total, old.Currency}, DiscountCode: old.DiscountCode,
	}
	for _, i := range old.Items {
		price, err := minorUnits(i.Price.String(), old.Currency)
		if err != nil {
			return OrderPlaced{}, err
		}
		placed.Items = append(placed.Items, Item{ProductID: i.ProductID, Title: i.Title, Price: price, Quantity: i.Quantity})
	}
	return placed, nil
}
