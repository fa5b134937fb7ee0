// Command gen writes what the folder docs has from the program itself: the page
// docs/reference.md, from the lists of what there is, and the pictures of
// docs/events.md, for every model of the page that is followed by an image a run
// of it. Beside each picture stands the file of the curves in it, and the picture
// carries that file's hash, so that a test can tell a picture that is out of date.
// Run it from the root:
//
//	go run ./docs/gen
package main

import (
	"fmt"
	"log"
	"os"
	"path/filepath"
	"regexp"
	"strings"
)

var block = regexp.MustCompile("(?s)```node\n(.*?)```\n!\\[[^\\]]*\\]\\(([^)]*)\\)")

func main() {
	if err := os.WriteFile("docs/reference.md", []byte(reference()), 0o644); err != nil {
		log.Fatal(err)
	}
	if err := draws("docs"); err != nil {
		log.Fatal(err)
	}
}

// draws draws all pictures of the page in a folder.
func draws(docs string) error {
	page, err := os.ReadFile(filepath.Join(docs, "events.md"))
	if err != nil {
		return err
	}
	for _, m := range block.FindAllSubmatch(page, -1) {
		path := filepath.Join(docs, string(m[2]))
		c, err := newCurves(filepath.Join(docs, "events.md"), string(m[1]))
		if err != nil {
			return fmt.Errorf("%s: %w", path, err)
		}
		text := c.csv()
		if err := os.WriteFile(curvesPath(path), text, 0o644); err != nil {
			return err
		}
		picture, err := c.png()
		if err != nil {
			return fmt.Errorf("%s: %w", path, err)
		}
		if err := os.WriteFile(path, withHash(picture, hash(text)), 0o644); err != nil {
			return err
		}
		fmt.Println(path)
	}
	return nil
}

// curvesPath is the file of the curves of a picture.
func curvesPath(picture string) string { return strings.TrimSuffix(picture, ".png") + ".csv" }
