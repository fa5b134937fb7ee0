package bench

// compared is the part of the page for those who choose between pinode and others.
const compared = `
## Compared with others

What was measured: the rows above, each through the public interface of either side, on one core unless a row says two, compiled
beforehand where the other side compiles. pinode, programs in C and scripts in Python take turns, 21 rounds of at least 40 ms
each, and the least time of each counts. Solvers have the same method, rules of step control and tolerances as far as the other
side has them; diffrax and torchdiffeq have their own. Tests compare the results before a ratio means anything
(` + "`bench/bench_test.go`" + `).

To repeat it: ` + "`pip install jax diffrax numba torch torchdiffeq`" + `, then ` + "`PINODE_BENCH_PYTHON=python3 pinode bench`" + ` for all rows,
` + "`--row NAME,…`" + ` for some, ` + "`--scaling`" + ` for how cost grows. Rows of a millisecond and less are the same within 3 % on a busy
machine; longer ones need a quiet one.

Where others are faster, or as fast:

- one small model, one trajectory: C compiled for that model, by 1.4 × (` + "`lotka`, `pleiades`" + `) and with events by 6 to 8 × (` + "`bounces`" + `);
- networks of a few hundred units in single precision, large batches, one core: JAX is as fast (` + "`large_single`" + `, 0.97 ×);
- a batch of long chains: as fast as one after the other, not faster (` + "`chain_batch`" + `);
- graphics processors: pinode has no code for them.

What the kernels reach on the machine above, at 3.24 GHz (two multiply–adds of a register in each cycle are 52 GFLOP/s in double
and 104 in single precision; a copy moves 135, 82, 70 and 14 GB/s, read and written, in the three caches and in memory):

| kernel, side 512 | double | single | what bounds it |
| --- | --: | --: | --- |
| product, 64 rows side by side | 92 % | 93 % | arithmetic |
| product, 8 rows | 73 to 92 % | 44 % | matrix from the second- and third-level cache; of one register of rows in single precision half of the sums have no work |
| gradient by the matrix, 128 rows | 78 % | 74 to 77 % | copying factors into panels, and a matrix of doubles that is read and written once for 128 rows |
| making panels | 32 GB/s | 20 to 30 GB/s | third-level cache |

` + "`go test -run '^$' -bench Panels ./internal/kernel`" + ` prints them.
`
