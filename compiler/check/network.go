package check

import "github.com/pinode/pinode/internal/setting"

// ByNetwork reports whether the fields of the model are a network: it has some, and the fit
// block asks for it.
func (p *Program) ByNetwork() bool {
	return p.Fit != nil && p.Fit.Values.Word("fields") == "network"
}

// NetworkOptions are the settings of the network of fields, those of a table where the file
// gives none.
func (p *Program) NetworkOptions(t setting.Table) *setting.Values {
	if p.Network != nil {
		return p.Network.Values
	}
	return setting.New(t)
}
