package check

import (
	"github.com/pinode/pinode/dsl"
	"github.com/pinode/pinode/physics/units"
)

// spellings are other names for units of the table, which are not taken for them.
var spellings = func() map[string]string {
	out := map[string]string{}
	for name, others := range map[string][]string{
		"s": {"sec", "secs", "second", "seconds"}, "min": {"mins", "minute", "minutes"}, "h": {"hr", "hrs", "hour", "hours"},
		"d": {"days", "D"}, "week": {"weeks", "wks"}, "yr": {"y", "yrs", "year", "years"}, "ms": {"msec", "millisecond", "milliseconds"},
		"m": {"meter", "meters", "metre", "metres"}, "cm": {"centimeter", "centimeters"}, "mm": {"millimeter", "millimeters"}, "km": {"kilometer", "kilometers"},
		"g": {"gram", "grams", "gr"}, "kg": {"kilogram", "kilograms", "Kg", "KG"}, "mg": {"milligram", "milligrams"}, "t": {"tonne", "tonnes"},
		"L": {"liter", "liters", "litre", "litres"}, "mL": {"cc", "ML", "milliliter", "milliliters"}, "Ohm": {"ohm", "ohms", "Ohms"},
		"V": {"volt", "volts", "Volt"}, "A": {"amp", "amps", "ampere", "Amp"}, "W": {"watt", "watts", "Watt"}, "N": {"newton", "newtons", "Newton"},
		"J": {"joule", "joules", "Joule"}, "Pa": {"pascal", "Pascal"}, "Hz": {"hz", "hertz", "Hertz"}, "K": {"kelvin", "Kelvin"}, "mol": {"mole", "moles"},
		"F": {"farad", "farads"}, "H": {"henry", "henries"}, "deg": {"degree", "degrees", "°"}, "rad": {"radian", "radians"}, "percent": {"pct"},
	} {
		for _, o := range others {
			out[o] = name
		}
	}
	return out
}()

// offsetUnit is a scale of temperature: so many kelvin are a degree, and its zero is so
// many of its degrees above the absolute one.
type offsetUnit struct{ kelvin, zero float64 }

// offsetUnits are units of columns only: with an offset there is no product.
var offsetUnits = map[string]offsetUnit{
	"degC": {1, 273.15}, "°C": {1, 273.15}, "degF": {5. / 9, 459.67}, "°F": {5. / 9, 459.67},
}

// degrees reads a unit with an offset that stands alone.
func degrees(u *dsl.UnitExpr) (offsetUnit, bool) {
	if u == nil || len(u.Factors) != 1 || u.Factors[0].Num != 1 || u.Factors[0].Den != 1 {
		return offsetUnit{}, false
	}
	o, ok := offsetUnits[u.Factors[0].Name]
	return o, ok
}

// inDegrees is a column of temperatures in degrees.
func (e *dataBlocks) inDegrees(col dsl.Column, o offsetUnit, want units.Unit, key dsl.Ident) (Column, bool) {
	out := Column{Name: col.Name, Span: col.Span()}
	kelvin, _ := e.table.Lookup("K")
	if !kelvin.SameDimension(want) {
		e.errColumnUnit(col, kelvin, key, want)
		return out, false
	}
	out.Factor = o.kelvin * kelvin.Factor(want)
	out.Offset = o.zero * out.Factor
	return out, true
}
