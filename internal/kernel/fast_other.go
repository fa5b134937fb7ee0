//go:build !amd64 || purego

package kernel

func denseFast(dst, w, x, bias []float64, m, k, lanes int) {
	denseGo(dst, w, x, bias, 0, m, 0, k, lanes)
}

func denseTFast(dst, w, c []float64, m, k, lanes int) { denseTGo(dst, w, c, m, 0, k, lanes) }

func outerFast(dst, old, c, x []float64, rows, m, k int) { outerGo(dst, old, c, x, rows, m, 0, k) }

func productsFast(dst, c, x []float64, terms, m, k, cStride, xStride int) {
	productsGo(dst, c, x, terms, m, 0, k, cStride, xStride)
}

func addOuterLanesFast(dw, c, x []float64, m, k, lanes int) { addOuterLanesGo(dw, c, x, m, k, lanes) }

func adamFast(x, m, v, x0, m0, v0, g []float64, s *AdamStep) { adamGo(x, m, v, x0, m0, v0, g, s) }

func denseSingleFast(dst, w, x, bias []float32, m, k, rows, cols, lanes int) bool { return false }

func narrowFast(dst []float32, src []float64) int { return 0 }

func widenFast(dst []float64, src []float32) int { return 0 }

func narrowColumnsFast(dst []float32, src []float64, m, k, cols int) (rows, columns int) { return 0, 0 }

func outerSingleFast(p, c, x []float32, rows, m, xs int) bool { return false }

func addWideFast(dst, old []float64, src []float32) int { return 0 }

func finiteFast(v []float64) int { return 0 }

func rows8Fast(dst, src []float64, n, stride int) int { return 0 }

func sum8Fast(dst, src []float64) int { return 0 }

func packRowsFast[T Number](a []T, w []float64) int { return 0 }

func packColumnsFast[T Number](a []T, w []float64, m, k, stride int) int { return 0 }

func (t *tiles[T]) fast(y, z, x, u []T, both bool) bool { return false }

func (t *outerPart[T]) fast(dst, old []float64) bool { return false }

func rows8SingleFast(dst, src []float32, n, stride int) int { return 0 }
