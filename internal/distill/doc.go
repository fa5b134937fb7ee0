// Package distill finds formulas for learned blocks. Along the trajectories of a fit each
// block is a table of arguments and results; sparse regression on it proposes structures, and
// each is judged where it counts: put into the model in the place of the block, refitted to
// the data, and compared by the Bayesian information criterion. That there is no formula is
// an answer too.
//
// S.L. Brunton, J.L. Proctor, J.N. Kutz, PNAS 113, 3932–3937, 2016 (sparse regression over
// thresholds); N.M. Mangan et al., Proc. R. Soc. A 473, 20170009, 2017 (information criteria);
// D.A. Messenger, D.M. Bortz, Multiscale Model. Simul. 19, 1474–1497, 2021 (weak form);
// N. Meinshausen, P. Bühlmann, J. R. Statist. Soc. B 72, 417–473, 2010 (stability selection).
package distill
