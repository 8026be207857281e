package orders

import (
	"strings"
	"testing"

	"github.com/go-playground/validator/v10"
)

// TestCurrencies: those that we count in are those of ISO 4217, as another list has
// them, but for what is no money to pay with.
func TestCurrencies(t *testing.T) {
	notMoney := "BOV CHE CHW CLF COU MXV USN UYI UYW XAG XAU XBA XBB XBC XBD XDR XPD XPT XSU XTS XUA XXX"
	withdrawn := "ANG BGN HRK SLL ZWL"
	v := validator.New()
	var code [3]byte
	for code[0] = 'A'; code[0] <= 'Z'; code[0]++ {
		for code[1] = 'A'; code[1] <= 'Z'; code[1]++ {
			for code[2] = 'A'; code[2] <= 'Z'; code[2]++ {
				name := string(code[:])
				want := v.Var(name, "iso4217") == nil && !strings.Contains(notMoney, name) || strings.Contains(withdrawn, name)
				if _, got := minorDigits(name); got != want {
					t.Errorf("%s is a currency: %t; want %t", name, got, want)
				}
			}
		}
	}
	for _, no := range []string{"", "EU", "eur", "EURO", "R U", "R US"} {
		if _, ok := minorDigits(no); ok {
			t.Errorf("%q is a currency", no)
		}
	}
}

func TestMinorUnits(t *testing.T) {
	for _, c := range []struct {
		decimal, currency string
		want              int64
		shown             string // empty: refused
	}{
		{"12.34", "EUR", 1234, "12.34 EUR"},
		{"0.1", "EUR", 10, "0.10 EUR"},
		{"12.50", "PKR", 1250, "12.50 PKR"}, // has paisa, whatever shops show
		{"1234", "JPY", 1234, "1234 JPY"},
		{"1234.00", "JPY", 1234, "1234 JPY"},
		{"1.234", "KWD", 1234, "1.234 KWD"},
		{"1000000000000", "EUR", MaxTotal, "1000000000000.00 EUR"},
		{"0", "USD", 0, "0.00 USD"},
		{"1000000000000.01", "EUR", 0, ""},
		{"12.345", "EUR", 0, ""},
		{"0.5", "JPY", 0, ""},
		{"1", "XXX", 0, ""},
		{"-1", "EUR", 0, ""},
		{"1/2", "EUR", 0, ""},
		{"0x10", "EUR", 0, ""},
		{"1e999999999", "EUR", 0, ""},
		{"", "EUR", 0, ""},
	} {
		got, err := minorUnits(c.decimal, c.currency)
		if (err != nil) != (c.shown == "") || got != c.want {
			t.Errorf("%s %s: %d, %v; want %d", c.decimal, c.currency, got, err, c.want)
		}
		if shown := (Money{got, c.currency}).String(); err == nil && shown != c.shown {
			t.Errorf("%s %s is shown as %s; want %s", c.decimal, c.currency, shown, c.shown)
		}
	}
}

func TestTimes(t *testing.T) {
	for _, c := range []struct {
		price    int64
		quantity int
		want     int64
		ok       bool
	}{
		{0, 1_000_000, 0, true},
		{MaxTotal, 1, MaxTotal, true},
		{MaxTotal / 1_000_000, 1_000_000, MaxTotal, true},
		{MaxTotal/1_000_000 + 1, 1_000_000, 0, false},
		{1<<63 - 1, 2, 0, false},
	} {
		if got, ok := times(c.price, c.quantity); got != c.want || ok != c.ok {
			t.Errorf("%d times %d: %d, %t", c.price, c.quantity, got, ok)
		}
	}
}
