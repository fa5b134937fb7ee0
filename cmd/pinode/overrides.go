package main

import (
	"math"
	"strconv"
	"strings"

	"github.com/spf13/cobra"

	"github.com/pinode/pinode"
	"github.com/pinode/pinode/internal/files"
)

// overrides are settings and values from outside of the model file.
type overrides struct {
	config string
	set    []string
	data   []string
	model  string
	values map[string]float64 // of --set that name parameters or states
}

func (o *overrides) flags(c *cobra.Command) {
	c.Flags().StringVar(&o.config, "config", "", "YAML `FILE` with settings by their dotted names")
	c.Flags().StringArrayVar(&o.set, "set", nil, "a setting or a value, `NAME=VALUE`: fit.optimizer.lr=0.01, or e=0.9")
	c.Flags().StringVar(&o.model, "model", "", "the main model of the file, by its `NAME`; default its last")
	c.Flags().StringArrayVar(&o.data, "data", nil, "another file for a data block, `NAME=FILE`: drops=new.csv")
}

// apply changes the model's settings; what is not a setting is kept as a
// value of the model.
func (o *overrides) apply(m *pinode.Model) error {
	o.values = map[string]float64{}
	if o.config != "" {
		text, err := files.Read(o.config, files.MaxText)
		if err != nil {
			return err
		}
		var tree map[string]any
		if err := files.YAML(text, &tree); err != nil {
			return usageError("%s: %s", o.config, err)
		}
		if err := m.SetTree(tree, o.config); err != nil {
			return usageError("%s: %s", o.config, err)
		}
	}
	if err := setData(m, o.data); err != nil {
		return err
	}
	for _, s := range o.set {
		key, text, ok := strings.Cut(s, "=")
		if head, tail, per := strings.Cut(s, "}="); per { // of one key: CL{subject=3}=2
			key, text = head+"}", tail
		}
		if !ok {
			return usageError("--set takes name=value, not `%s`", s)
		}
		if strings.HasPrefix(key, "fit.") || strings.HasPrefix(key, "simulate.") {
			if err := m.Set(key, text, "--set"); err != nil {
				return usageError("--set %s: %s", key, err)
			}
			continue
		}
		v, err := strconv.ParseFloat(strings.ReplaceAll(text, "_", "no digit"), 64)
		if err != nil || math.IsNaN(v) || math.IsInf(v, 0) {
			return usageError("--set %s: `%s` is not a finite number", key, text)
		}
		o.values[key] = v
	}
	return nil
}

// setData lets data blocks read other files.
func setData(m *pinode.Model, list []string) error {
	for _, s := range list {
		name, path, ok := strings.Cut(s, "=")
		if !ok {
			return usageError("--data takes name=file, not `%s`", s)
		}
		if err := m.SetData(name, path); err != nil {
			return usageError("--data %s: %s", s, err)
		}
	}
	return nil
}
