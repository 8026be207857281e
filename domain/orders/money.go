package orders

import (
	"fmt"
	"math/big"
	"regexp"
)

// Money is an exact amount: a whole number of a currency's smallest unit. It is
// never a float.
type Money struct {
	Amount   int64  `json:"amount" validate:"min=0" description:"in the currency's smallest unit: cents, yen"`
	Currency string `json:"currency" validate:"required,len=3" description:"ISO 4217, as EUR"`
}

// MaxTotal is the most that one order comes to, in its currency's smallest unit. So
// a dashboard adds up 90,000 of the largest orders in a month before an int64 is full.
const MaxTotal = 100_000_000_000_000

// String is for people: "12.34 EUR", "1234 JPY".
func (m Money) String() string {
	digits, ok := minorDigits(m.Currency)
	if !ok {
		return fmt.Sprintf("%d %s", m.Amount, m.Currency)
	}
	return new(big.Rat).SetFrac(big.NewInt(m.Amount), pow10(digits)).FloatString(digits) + " " + m.Currency
}

func pow10(n int) *big.Int { return new(big.Int).Exp(big.NewInt(10), big.NewInt(int64(n)), nil) }

// decimalNumber is what an amount of versions 1 and 2 looks like. big.Rat takes more:
// fractions, hexadecimal numbers, and exponents that need all of the memory.
var decimalNumber = regexp.MustCompile(`^[0-9]{1,20}(\.[0-9]{1,20})?$`)

// minorUnits reads a decimal number as an exact amount: what events of versions 1
// and 2 have.
func minorUnits(decimal, code string) (int64, error) {
	digits, ok := minorDigits(code)
	if !ok {
		return 0, fmt.Errorf("%q is no currency", code)
	}
	r, ok := new(big.Rat), decimalNumber.MatchString(decimal)
	if ok {
		_, ok = r.SetString(decimal)
	}
	if !ok {
		return 0, fmt.Errorf("%q is no amount", decimal)
	}
	r.Mul(r, new(big.Rat).SetInt(pow10(digits)))
	if !r.IsInt() {
		return 0, fmt.Errorf("%s is not a whole number of the smallest unit of %s", decimal, code)
	}
	if r.Num().Cmp(big.NewInt(MaxTotal)) > 0 {
		return 0, fmt.Errorf("%s %s is too much", decimal, code)
	}
	return r.Num().Int64(), nil
}

// times is price times quantity, and false when that is more than an order may come
// to.
func times(price int64, quantity int) (int64, bool) {
	if price > MaxTotal/int64(quantity) {
		return 0, false
	}
	return price * int64(quantity), true
}
