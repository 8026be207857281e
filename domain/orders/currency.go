package orders

import "strings"

// The currencies in which an order may be, by how many digits their smallest unit is
// behind the point, as ISO 4217 has them (list one, January 2026): not units of account,
// metals and codes for tests. BGN, HRK, ANG, SLL and ZWL are withdrawn, and stay for old
// orders.
//
// They are here and not from golang.org/x/text/currency, which says how amounts are
// shown and not how they are counted (to it a Pakistani rupee has no paisa), and
// does not know MRU, SLE, VES and XCG.
//
// https://www.iso.org/iso-4217-currency-codes.html
const (
	wholeUnits  = "BIF CLP DJF GNF ISK JPY KMF KRW PYG RWF UGX VND VUV XAF XOF XPF"
	hundredths  = "AED AFN ALL AMD ANG AOA ARS AUD AWG AZN BAM BBD BDT BGN BMD BND BOB BRL BSD BTN BWP BYN BZD CAD CDF CHF CNY COP CRC CUP CVE CZK DKK DOP DZD EGP ERN ETB EUR FJD FKP GBP GEL GHS GIP GMD GTQ GYD HKD HNL HRK HTG HUF IDR ILS INR IRR JMD KES KGS KHR KPW KYD KZT LAK LBP LKR LRD LSL MAD MDL MGA MKD MMK MNT MOP MRU MUR MVR MWK MXN MYR MZN NAD NGN NIO NOK NPR NZD PAB PEN PGK PHP PKR PLN QAR RON RSD RUB SAR SBD SCR SDG SEK SGD SHP SLE SLL SOS SRD SSP STN SVC SYP SZL THB TJS TMT TOP TRY TTD TWD TZS UAH USD UYU UZS VED VES WST XCD XCG YER ZAR ZMW ZWG ZWL"
	thousandths = "BHD IQD JOD KWD LYD OMR TND"
)

// minorDigits is how many digits a currency's smallest unit is behind the point; false:
// there is no such currency.
func minorDigits(code string) (digits int, ok bool) {
	if len(code) != 3 || strings.Contains(code, " ") {
		return 0, false
	}
	for _, list := range []struct {
		codes  string
		digits int
	}{{hundredths, 2}, {wholeUnits, 0}, {thousandths, 3}} {
		if strings.Contains(list.codes, code) {
			return list.digits, true
		}
	}
	return 0, false
}
