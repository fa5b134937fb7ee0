package fit

import (
	"crypto/sha256"
	"encoding/binary"
	"math/rand/v2"
)

// Stream is the sub-stream of a run's seed for a purpose and indices, such as
// ("shuffle", stage, epoch). Streams depend on nothing else, neither on what
// was drawn before nor on the number of workers, so a run that is taken up
// again draws what the uninterrupted run would have drawn.
func Stream(seed uint64, purpose string, index ...int) *rand.Rand {
	b := binary.LittleEndian.AppendUint64(nil, seed)
	b = binary.LittleEndian.AppendUint64(b, uint64(len(purpose)))
	b = append(b, purpose...)
	for _, i := range index {
		b = binary.LittleEndian.AppendUint64(b, uint64(i))
	}
	return rand.New(rand.NewChaCha8(sha256.Sum256(b)))
}
