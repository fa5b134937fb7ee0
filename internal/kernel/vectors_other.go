//go:build !amd64 || purego

package kernel

func dotFast(*[4]float64, []float64, []float64) int { return 0 }

func sumFast(*[4]float64, []float64) int { return 0 }

func dotLanesFast(*[4][8]float64, []float64, []float64) int { return 0 }

func sumLanesFast(*[4][8]float64, []float64) int { return 0 }

func addScaledFast([]float64, float64, []float64) int { return 0 }

func scaleAddFast([]float64, float64, []float64) int { return 0 }
