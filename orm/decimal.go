package orm

import (
	"encoding/json"
	"fmt"
	"math/big"
	"reflect"
	"strconv"
	"strings"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"github.com/guregu/dynamo/v2"
)

// Decimal is a decimal number without loss: what DynamoDB's number type holds,
// up to 38 significant digits, from ±1e-130 to ±9.99…e125. It is stored as N and
// may be a key, a member of a list or set, and the operand of a condition. In a
// map it may be the key too.
//
// The zero value is 0. Two Decimals are equal (==) when they are the same
// number: 1.50 and 1.5 are, as in DynamoDB, which keeps no trailing zeros. It
// never changes and is safe for concurrent use.
//
// It does no arithmetic: give [Decimal.Rat] to math/big, or [Decimal.String] to
// a library for decimals, and come back with [DecimalFromRat] or [ParseDecimal].
//
// https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/HowItWorks.NamingRulesDataTypes.html#HowItWorks.DataTypes.Number
type Decimal struct {
	text string // plain notation without needless zeros; empty for 0
}

var (
	decimalType = reflect.TypeFor[Decimal]()

	_ dynamo.Marshaler   = Decimal{}
	_ dynamo.Unmarshaler = (*Decimal)(nil)
)

// What a DynamoDB number holds.
const (
	maxDigits   = 38
	minExponent = -130 // of the first digit
	maxExponent = 125
)

// decimalError is a text or number that is no Decimal.
type decimalError struct{ text, what string }

func (e *decimalError) Error() string {
	text := e.text
	if len(text) > 60 {
		text = text[:57] + "..."
	}
	return fmt.Sprintf("%q is no orm.Decimal: %s", text, e.what)
}

// Is makes it a KindValidation.
func (e *decimalError) Is(target error) bool { return target == KindValidation }

// ParseDecimal reads a decimal number, in plain notation ("-12.50") or with an
// exponent ("1.25e-7"). It never rounds: the error is of [KindValidation] for a
// text that is no number, and for a number that DynamoDB cannot hold.
func ParseDecimal(text string) (Decimal, error) {
	fail := func(format string, args ...any) (Decimal, error) {
		return Decimal{}, &decimalError{text, fmt.Sprintf(format, args...)}
	}
	const notation = "write it like -12.5 or 1.25e-7"
	rest, negative := text, false
	if rest != "" && (rest[0] == '-' || rest[0] == '+') {
		rest, negative = rest[1:], rest[0] == '-'
	}
	exponent := 0
	if i := strings.IndexAny(rest, "eE"); i >= 0 {
		n, err := strconv.Atoi(rest[i+1:])
		if err != nil || n > 1e6 || n < -1e6 {
			return fail("%q is no exponent, %s", rest[i+1:], notation)
		}
		rest, exponent = rest[:i], n
	}
	whole, fraction, point := strings.Cut(rest, ".")
	digits := whole + fraction
	if digits == "" || point && fraction == "" || strings.Trim(digits, "0123456789") != "" {
		return fail("%s", notation)
	}
	exponent += len(whole) // now the point's place from the start of digits
	significant := strings.TrimLeft(digits, "0")
	exponent -= len(digits) - len(significant)
	significant = strings.TrimRight(significant, "0")
	switch {
	case significant == "":
		return Decimal{}, nil
	case len(significant) > maxDigits:
		return fail("it has %d significant digits, DynamoDB keeps %d", len(significant), maxDigits)
	case exponent-1 > maxExponent || exponent-1 < minExponent:
		return fail("it is about 1e%d, DynamoDB holds 1e%d to 9.99e%d", exponent-1, minExponent, maxExponent)
	}
	var b strings.Builder
	if negative {
		b.WriteByte('-')
	}
	switch n := len(significant); {
	case exponent <= 0:
		b.WriteString("0.")
		b.WriteString(strings.Repeat("0", -exponent))
		b.WriteString(significant)
	case exponent >= n:
		b.WriteString(significant)
		b.WriteString(strings.Repeat("0", exponent-n))
	default:
		b.WriteString(significant[:exponent])
		b.WriteByte('.')
		b.WriteString(significant[exponent:])
	}
	return Decimal{b.String()}, nil
}

// DecimalFromInt is the whole number n.
func DecimalFromInt(n int64) Decimal {
	if n == 0 {
		return Decimal{}
	}
	return Decimal{strconv.FormatInt(n, 10)}
}

// DecimalFromRat is the number r, exactly: the error is of [KindValidation] when
// it has no finite decimal form (1/3), or none that DynamoDB can hold. Round it
// first then, with r.FloatString.
func DecimalFromRat(r *big.Rat) (Decimal, error) {
	places, exact := r.FloatPrec()
	if !exact {
		return Decimal{}, &decimalError{r.RatString(), "it has no finite decimal form: round it with FloatString, and parse that"}
	}
	return ParseDecimal(r.FloatString(places))
}

// Rat is the number for arithmetic with math/big. It is the caller's own.
func (d Decimal) Rat() *big.Rat {
	r, ok := new(big.Rat).SetString(d.String())
	if !ok {
		panic("orm.Decimal holds " + strconv.Quote(d.text)) // cannot be: every text is made by this file
	}
	return r
}

// Float64 is the nearest float, which may be another number.
func (d Decimal) Float64() float64 {
	f, err := strconv.ParseFloat(d.String(), 64)
	if err != nil {
		panic("orm.Decimal holds " + strconv.Quote(d.text)) // cannot be: every text is made by this file
	}
	return f
}

// String writes the number in plain notation, without needless zeros: "-12.5".
func (d Decimal) String() string {
	if d.text == "" {
		return "0"
	}
	return d.text
}

// IsZero reports whether the number is 0; `,omitempty` leaves it out then.
func (d Decimal) IsZero() bool { return d.text == "" }

// Sign is -1, 0 or 1.
func (d Decimal) Sign() int {
	switch {
	case d.text == "":
		return 0
	case d.text[0] == '-':
		return -1
	}
	return 1
}

// Cmp compares two numbers: -1 when d is less than e, 0 when they are equal, 1
// when d is greater.
func (d Decimal) Cmp(e Decimal) int {
	sign := d.Sign()
	if other := e.Sign(); sign != other {
		if sign < other {
			return -1
		}
		return 1
	}
	dw, df, _ := strings.Cut(strings.TrimPrefix(d.text, "-"), ".")
	ew, ef, _ := strings.Cut(strings.TrimPrefix(e.text, "-"), ".")
	switch {
	case len(dw) != len(ew):
		if len(dw) < len(ew) {
			return -sign
		}
		return sign
	case dw != ew:
		return sign * strings.Compare(dw, ew)
	}
	return sign * strings.Compare(df, ef)
}

// MarshalText implements encoding.TextMarshaler.
func (d Decimal) MarshalText() ([]byte, error) { return []byte(d.String()), nil }

// UnmarshalText implements encoding.TextUnmarshaler, as [ParseDecimal].
func (d *Decimal) UnmarshalText(text []byte) (err error) {
	*d, err = ParseDecimal(string(text))
	return err
}

// MarshalJSON writes a JSON number, every digit of it.
func (d Decimal) MarshalJSON() ([]byte, error) { return []byte(d.String()), nil }

// UnmarshalJSON reads a JSON number, or a string with one, as many interfaces
// send them. null changes nothing.
func (d *Decimal) UnmarshalJSON(data []byte) error {
	text := string(data)
	if text == "null" {
		return nil
	}
	if strings.HasPrefix(text, `"`) {
		if err := json.Unmarshal(data, &text); err != nil {
			return err
		}
	}
	return d.UnmarshalText([]byte(text))
}

// MarshalDynamo implements the Marshaler of github.com/guregu/dynamo.
func (d Decimal) MarshalDynamo() (types.AttributeValue, error) {
	return &types.AttributeValueMemberN{Value: d.String()}, nil
}

// UnmarshalDynamo implements the Unmarshaler of github.com/guregu/dynamo.
func (d *Decimal) UnmarshalDynamo(av types.AttributeValue) error {
	n, ok := av.(*types.AttributeValueMemberN)
	if !ok {
		return fmt.Errorf("it is stored as %s, which cannot be read into orm.Decimal", typeOf(av))
	}
	return d.UnmarshalText([]byte(n.Value))
}
