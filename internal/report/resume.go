package report

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"os"
	"slices"
	"strings"
	"time"

	"github.com/pinode/pinode/fit"
	"github.com/pinode/pinode/internal/files"
)

// Changes are what is not as it was when the fit of the folder began: a line for the model,
// for each file of data, for the settings that the folder keeps and for pinode. The model is
// the same where its text is.
func (r *Folder) Changes(src Source) (changes []string, sameModel bool, err error) {
	info, err := r.Info()
	if err != nil {
		return nil, false, err
	}
	was, err := files.Read(r.Path("model.node"), files.MaxText)
	if err != nil {
		return nil, false, err
	}
	is := src.Program.Checked.Source.Text
	if sameModel = string(was) == is; !sameModel {
		changes = append(changes, fmt.Sprintf("the model %s is another one, from line %d on", src.Path, differ(string(was), is)))
	}
	known := slices.Collect(maps.Values(info.Hashes)) // paths may be from another folder
	for _, d := range src.DataFiles() {
		if !slices.Contains(known, hashFile(d)) {
			changes = append(changes, "the data in "+d+" are others")
		}
	}
	if h := info.Hashes["config.resolved.yaml"]; h != hashFile(r.Path("config.resolved.yaml")) {
		changes = append(changes, r.Path("config.resolved.yaml")+" was edited")
	}
	switch now := Version(); {
	case info.Pinode != now:
		changes = append(changes, fmt.Sprintf("it was made by %s, and this is %s", info.Pinode, now))
	case info.Hashes["pinode"] != executable():
		changes = append(changes, "it was made by another build of pinode")
	}
	return changes, sameModel, nil
}

// differ is the first line in which texts differ.
func differ(a, b string) int {
	la, lb := strings.Split(a, "\n"), strings.Split(b, "\n")
	for i := range min(len(la), len(lb)) {
		if la[i] != lb[i] {
			return i + 1
		}
	}
	return min(len(la), len(lb)) + 1
}

// executable tells builds of pinode apart. The linker puts a hash of the whole of an executable
// file near its start.
func executable() string {
	path, err := os.Executable()
	if err != nil {
		return ""
	}
	f, err := os.Open(path)
	if err != nil {
		return ""
	}
	defer f.Close()
	h := sha256.New()
	if _, err := io.CopyN(h, f, 1<<16); err != nil && !errors.Is(err, io.EOF) {
		return ""
	}
	if st, err := f.Stat(); err == nil {
		fmt.Fprint(h, st.Size())
	}
	return hex.EncodeToString(h.Sum(nil))
}

// checkpoint is a file of checkpoints: a state with its hash.
type checkpoint struct {
	Hash  string          `json:"sha256"`
	State json.RawMessage `json:"state"`
}

const lastCheckpoint = "checkpoints/last.json"

// State reads the state of the fit at its last checkpoint; fs.ErrNotExist: it had none.
func (r *Folder) State() (*fit.State, error) {
	path := r.Path(lastCheckpoint)
	text, err := files.Read(path, files.Whole)
	if err != nil {
		return nil, err
	}
	var c checkpoint
	if err := json.Unmarshal(text, &c); err != nil || c.Hash != hash(c.State) {
		return nil, fmt.Errorf("%s is damaged: its content is not what was written; remove it to begin the run anew", path)
	}
	s, err := fit.DecodeState(c.State)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	return s, nil
}

// WriteCheckpoint writes the state of a fit, to go on from even after a crash of the machine.
func (r *Folder) WriteCheckpoint(s *fit.State) error {
	text, err := s.Encode()
	if err != nil {
		return err
	}
	var b bytes.Buffer
	b.Grow(len(text) + 100)
	fmt.Fprintf(&b, `{"sha256":"%s","state":`, hash(text))
	b.Write(text)
	b.WriteString("}\n")
	return files.ReplaceSynced(r.Path(lastCheckpoint), b.Bytes())
}

// Leave says in run.json how a fit ended that could not do so itself: in the place of what is
// there, where the disk has no room for a file beside it.
func (r *Folder) Leave(status, message string) error {
	info, err := r.Info()
	if err != nil || info.Status != "running" {
		return err
	}
	now := time.Now()
	info.Status, info.Message, info.Finished = status, message, &now
	text, err := json.MarshalIndent(info, "", "  ")
	if err != nil {
		return err
	}
	if err := r.Write("run.json", text); err == nil {
		return nil
	}
	return files.Overwrite(r.Path("run.json"), text)
}
