package fit

import (
	"testing"

	"github.com/stretchr/testify/require"
)

// TestPhilox: the known answers of the Random123 library, file kat_vectors.
func TestPhilox(t *testing.T) {
	ones := ^uint64(0)
	for _, c := range []struct {
		key           [2]uint64
		counter, want [4]uint64
	}{
		{[2]uint64{}, [4]uint64{}, [4]uint64{0x16554d9eca36314c, 0xdb20fe9d672d0fdc, 0xd7e772cee186176b, 0x7e68b68aec7ba23b}},
		{[2]uint64{ones, ones}, [4]uint64{ones, ones, ones, ones}, [4]uint64{0x87b092c3013fe90b, 0x438c3c67be8d0224, 0x9cc7d7c69cd777b6, 0xa09caebf594f0ba0}},
		{
			[2]uint64{0x452821e638d01377, 0xbe5466cf34e90c6c},
			[4]uint64{0x243f6a8885a308d3, 0x13198a2e03707344, 0xa4093822299f31d0, 0x082efa98ec4e6c89},
			[4]uint64{0xa528f45403e61d95, 0x38c72dbd566e9788, 0xa5a1610e72fd18b5, 0x57bd43b5e52b7fe6},
		},
	} {
		require.Equal(t, c.want, Philox(c.key, c.counter))
	}
}
