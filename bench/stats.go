package main

import (
	"slices"
	"time"
)

// percentile returns the value below which the given share (0 to 1) of the
// samples lies, by the nearest rank. It sorts the samples.
func percentile(samples []time.Duration, share float64) time.Duration {
	if len(samples) == 0 {
		return 0
	}
	slices.Sort(samples)
	rank := int(share*float64(len(samples)) + 0.5)
	return samples[min(max(rank, 1), len(samples))-1]
}
