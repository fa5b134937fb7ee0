package check

import "github.com/pinode/pinode/internal/setting"

// Network is a network that stands for fields: a block, whose arguments and result follow
// from the model, and what it reads and meets besides.
type Network struct {
	Block   *Neural
	Fourier int  // random waves that it reads
	Hard    bool // conditions are met by construction where they can be
	Options *setting.Values
}

// NetworkName is that of the block.
const NetworkName = "network"

// ByNetwork reports whether the fields of the model are a network: the fit block asks for it.
func (p *Program) ByNetwork() bool {
	return p.Fit != nil && p.Fit.Values.Has("fields") && p.Fit.Values.Word("fields") == "network"
}

// FieldNetwork makes the network of fields, in an environment of settings.
func (p *Program) FieldNetwork(env *Env) (*Network, error) {
	o := setting.New(env.Network)
	if p.Network != nil {
		o = p.Network.Values
	}
	block := &Neural{Options: setting.New(env.Neural), Obj: Obj{Name: NetworkName, Span: p.Model.Span}, InputScale: []float64{1}}
	if err := block.Options.SetList("hidden", o.List("hidden"), NetworkName); err != nil {
		return nil, err
	}
	if _, err := block.Options.SetWord("activation", o.Word("activation"), NetworkName); err != nil {
		return nil, err
	}
	p.Stands = &Network{block, o.Int("fourier"), o.Bool("hard"), o}
	return p.Stands, nil
}
