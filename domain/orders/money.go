package orders

import (
	"fmt"
	"math"
	"math/big"

	"golang.org/x/text/currency"
)

// Money is an exact amount: a whole number of a currency's smallest unit. It is
// never a float.
type Money struct {
	Amount   int64  `json:"amount" validate:"min=0" description:"in the currency's smallest unit: cents, yen"`
	Currency string `json:"currency" validate:"required,len=3" description:"ISO 4217, as EUR"`
}

// String is for people: "12.34 EUR", "1234 JPY".
func (m Money) String() string {
	digits, err := minorDigits(m.Currency)
	if err != nil {
		return fmt.Sprintf("%d %s", m.Amount, m.Currency)
	}
	return new(big.Rat).SetFrac(big.NewInt(m.Amount), pow10(digits)).FloatString(digits) + " " + m.Currency
}

// minorDigits is how many digits a currency's smallest unit is behind the point.
func minorDigits(code string) (int, error) {
	unit, err := currency.ParseISO(code)
	if err != nil || unit.String() != code {
		return 0, fmt.Errorf("%q is no ISO 4217 currency", code)
	}
	digits, _ := currency.Standard.Rounding(unit)
	return digits, nil
}

func pow10(n int) *big.Int { return new(big.Int).Exp(big.NewInt(10), big.NewInt(int64(n)), nil) }

// minorUnits reads a decimal number as an exact amount: what events of versions 1
// and 2 have.
func minorUnits(decimal, code string) (int64, error) {
	digits, err := minorDigits(code)
	if err != nil {
		return 0, err
	}
	r, ok := new(big.Rat).SetString(decimal)
	if !ok {
		return 0, fmt.Errorf("%q is no number", decimal)
	}
	r.Mul(r, new(big.Rat).SetInt(pow10(digits)))
	if !r.IsInt() {
		return 0, fmt.Errorf("%s is not a whole number of the smallest unit of %s", decimal, code)
	}
	if !r.Num().IsInt64() {
		return 0, fmt.Errorf("%s %s is too much", decimal, code)
	}
	return r.Num().Int64(), nil
}

// times is price times quantity, and false when that is more than an int64 holds.
func times(price int64, quantity int) (int64, bool) {
	if price != 0 && int64(quantity) > math.MaxInt64/price {
		return 0, false
	}
	return price * int64(quantity), true
}
