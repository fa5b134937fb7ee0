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
		"um": {"micrometer", "micrometers", "micron", "microns"}, "nm": {"nanometer", "nanometers"},
		"g": {"gram", "grams", "gr"}, "kg": {"kilogram", "kilograms", "Kg", "KG"}, "mg": {"milligram", "milligrams"}, "ug": {"mcg", "microgram", "micrograms"}, "ng": {"nanogram", "nanograms"}, "t": {"tonne", "tonnes"},
		"L": {"liter", "liters", "litre", "litres"}, "mL": {"cc", "milliliter", "milliliters", "millilitre", "ccm"}, "uL": {"microliter", "microliters"}, "Ohm": {"ohms", "Ohms"},
		"V": {"volt", "volts", "Volt"}, "A": {"amp", "amps", "ampere", "Amp"}, "W": {"watt", "watts", "Watt"}, "N": {"newton", "newtons", "Newton"},
		"J": {"joule", "joules", "Joule"}, "Pa": {"pascal", "Pascal"}, "Hz": {"hz", "hertz", "Hertz"}, "K": {"kelvin", "Kelvin"}, "mol": {"mole", "moles"},
		"F": {"farad", "farads"}, "H": {"henry", "henries"}, "deg": {"degree", "degrees", "°"}, "rad": {"radian", "radians"}, "percent": {"pct"},
		"M": {"molar", "Molar"}, "mM": {"millimolar"}, "uM": {"micromolar"}, "nM": {"nanomolar"}, "mV": {"millivolt", "millivolts"},
	} {
		for _, o := range others {
			out[o] = name
		}
	}
	return out
}()

// foreign are units that are no part of the table, since they depend on a country or a convention, with a declaration
// that says what is usually meant.
var foreign = map[string]string{
	"psi": "6894.757 [Pa]", "mmHg": "133.322 [Pa]", "torr": "133.322 [Pa]",
	"mph": "0.44704 [m/s]", "kph": "1 [km/h]", "kmh": "1 [km/h]", "knot": "1852 [m/h]", "mile": "1609.344 [m]", "mi": "1609.344 [m]", "ft": "0.3048 [m]",
	"foot": "0.3048 [m]", "feet": "0.3048 [m]", "inch": "0.0254 [m]", "lb": "0.45359237 [kg]", "lbs": "0.45359237 [kg]", "lbf": "4.4482216 [N]",
	"gal": "3.785411784 [L]", "hp": "745.7 [W]", "BTU": "1055.06 [J]", "month": "30.4375 [d]", "months": "30.4375 [d]",
}

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
