package transform

import "math"

// amountScale is the number of decimals of an amount of money.
const amountScale = 4

// parseDecimal reads a number as JSON writes it, also with a leading plus, as a
// whole number of 10^-scale. No float comes between. What lies below the scale is
// rounded half to even, and exact is false then. ok is false where text is no
// number or where the result does not fit.
func parseDecimal(text []byte, scale int) (value int64, exact, ok bool) {
	if value, ok = parseShort(text, scale); ok {
		return value, true, true
	}
	n, ok := scanNumber(text)
	if !ok {
		return 0, false, false
	}
	keep := n.whole + n.exponent + scale // digits of the mantissa that the result keeps
	var magnitude uint64
	half, rest := byte(0), false // the first digit dropped, and whether more follow
	for i, seen := 0, 0; i < len(n.mantissa); i++ {
		c := n.mantissa[i]
		if c == '.' {
			continue
		}
		switch d := c - '0'; {
		case seen < keep:
			if magnitude > (math.MaxInt64-uint64(d))/10 {
				return 0, false, false
			}
			magnitude = magnitude*10 + uint64(d)
		case seen == keep:
			half = d
		case d != 0:
			rest = true
		}
		seen++
	}
	for i := n.digits; i < keep && magnitude != 0; i++ {
		if magnitude > math.MaxInt64/10 {
			return 0, false, false
		}
		magnitude *= 10
	}
	if half > 5 || half == 5 && (rest || magnitude%2 == 1) {
		magnitude++
	}
	if magnitude > math.MaxInt64 {
		return 0, false, false
	}
	value = int64(magnitude)
	if n.negative {
		value = -value
	}
	return value, half == 0 && !rest, true
}

// parseShort is parseDecimal for what most numbers are: few digits, no sign, no
// exponent, no more decimals than scale.
func parseShort(text []byte, scale int) (value int64, ok bool) {
	if len(text)+scale > 18 || len(text) == 0 {
		return 0, false
	}
	point := len(text)
	for i, c := range text {
		switch {
		case isDigit(c):
			value = value*10 + int64(c-'0')
		case c == '.' && point == len(text) && 0 < i && i < len(text)-1:
			point = i
		default:
			return 0, false
		}
	}
	places := scale - max(len(text)-1-point, 0)
	if places < 0 {
		return 0, false
	}
	for range places {
		value *= 10
	}
	return value, true
}

// number is the anatomy of a decimal number.
type number struct {
	negative bool
	mantissa []byte // digits with at most one point
	digits   int    // in the mantissa
	whole    int    // digits before the point
	exponent int    // clipped to ±maxExponent
}

// maxExponent is far beyond what any result can hold and small enough to add.
const maxExponent = 1 << 20

func scanNumber(text []byte) (n number, ok bool) {
	if len(text) > 0 && (text[0] == '-' || text[0] == '+') {
		n.negative = text[0] == '-'
		text = text[1:]
	}
	end, point := 0, -1
	for ; end < len(text); end++ {
		if text[end] == '.' && point < 0 {
			point = end
		} else if !isDigit(text[end]) {
			break
		}
	}
	n.mantissa, n.digits, n.whole = text[:end], end, end
	if point >= 0 {
		n.digits, n.whole = end-1, point
	}
	if n.whole == 0 || n.digits == n.whole && point >= 0 {
		return n, false // ".5" and "5." are no numbers
	}
	if end == len(text) {
		return n, true
	}
	n.exponent, ok = scanExponent(text[end:])
	return n, ok
}

func scanExponent(text []byte) (exponent int, ok bool) {
	if text[0] != 'e' && text[0] != 'E' {
		return 0, false
	}
	text = text[1:]
	sign := 1
	if len(text) > 0 && (text[0] == '-' || text[0] == '+') {
		if text[0] == '-' {
			sign = -1
		}
		text = text[1:]
	}
	for _, c := range text {
		if !isDigit(c) {
			return 0, false
		}
		exponent = min(exponent*10+int(c-'0'), maxExponent)
	}
	return sign * exponent, len(text) > 0
}

func isDigit(c byte) bool { return '0' <= c && c <= '9' }

// parseWhole reads a whole number; "7.0" and "7e0" are whole, "7.5" is not.
func parseWhole(text []byte) (int64, bool) {
	v, exact, ok := parseDecimal(text, 0)
	return v, ok && exact
}

// parseAmount reads an amount of at most 18 digits, four of them decimals.
func parseAmount(text []byte) (int64, bool) {
	const most = 999_999_999_999_999_999
	v, _, ok := parseDecimal(text, amountScale)
	return v, ok && -most <= v && v <= most
}
