package check

import "github.com/pinode/pinode/dsl"

// elaborator builds one model. It enters the declarations and has its parts elaborate
// them, each with a job of its own. They are layers, of which each embeds the one it stands
// on, and parts of the same layer know each other by name:
//
//	reporter     where mistakes go
//	unitReader   units as they are written
//	inference    units that are not
//	scopes       names
//	expressions  with arrays, calls and specials
//	objects      what all declarations have in common
//	values, motions, events, observations, neurals, fields, dataBlocks, settings, …
type elaborator struct {
	*objects
	values       *values
	events       *events
	observations *observations
	neurals      *neurals
	fields       *fields
	data         *dataBlocks
	settings     *settings
	analysis     *analysis
	flows        *flows

	models map[string]*dsl.ModelDecl
	open   []*loop
	uses   []component
}

func newElaborator(c *checker, d *dsl.ModelDecl) *elaborator {
	o := newObjects(newScopes(c.unitReader, d))
	dists := &dists{o}
	flows := &flows{o}
	settings := &settings{objects: o, dists: dists}
	o.calls.specials.dists, o.calls.specials.flows = dists, flows
	e := &elaborator{
		objects: o, models: c.models, flows: flows, settings: settings,
		values:       &values{objects: o, dists: dists, env: c.env, prog: c.prog},
		events:       &events{eventMistakes{o}},
		observations: &observations{objects: o, dists: dists, flows: flows},
		neurals:      &neurals{objects: o, settings: settings, env: c.env},
		fields:       &fields{objects: o},
		data:         &dataBlocks{dataMistakes: dataMistakes{o}, settings: settings},
		analysis:     &analysis{o},
	}
	for _, f := range append([]*dsl.File{prelude()}, c.env.Library...) {
		e.addLibrary(f.Decls)
	}
	return e
}

// newObjects makes the layers up to that of objects.
func newObjects(s *scopes) *objects {
	x := &expressions{exprMistakes: exprMistakes{unitMistakes{s}}}
	o := &objects{x}
	x.arrays = &arrays{x}
	x.calls = &calls{expressions: x}
	x.calls.specials = &specials{specialMistakes: specialMistakes{x.calls}}
	x.motions = &motions{
		objects: o, motions: map[*entity]*motion{}, rates: map[*entity]*entity{}, badTime: map[string]bool{},
	}
	return o
}
