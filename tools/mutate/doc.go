// Command mutate measures how much the tests notice. It puts small faults into
// the code, one at a time (a shifted comparison, a dropped term, an early
// return), runs the tests, and lists the faults that no test has seen.
//
//	go run ./tools/mutate -n 30 -seed 7 ./fit ./data
//	go run ./tools/mutate -n 30 -wide '.:Fit|Objective' ./fit
//	go run ./tools/mutate -again survivors.json
//
// The changed file is handed to the compiler by -overlay, so that the tree is
// never touched and runs may go on side by side. Only the test binary under
// question is built: first that of the package with the fault, then, while the
// fault lives, those of -wide. Faults that do not compile are passed over.
// Faults that no test can see are listed in equivalents.txt with the reason, and
// do not count.
//
// It does not change assembly, generated files and test files.
package main
