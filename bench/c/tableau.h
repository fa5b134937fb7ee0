// The two pairs of order 5(4) with seven stages, the last of which is the
// first of the next step. -DDOPRI5 takes Dormand and Prince's, else it is
// Tsitouras'. Coefficients of the interpolant, of order four, by powers of
// theta from the first.
//
// Ch. Tsitouras, Comput. Math. Appl. 62(2), 770-775, 2011.
// J.R. Dormand, P.J. Prince, J. Comput. Appl. Math. 6, 19-26, 1980.
#ifndef TABLEAU_H
#define TABLEAU_H

#ifdef DOPRI5
static const double C[7] = {0, 1. / 5, 3. / 10, 4. / 5, 8. / 9, 1, 1};
static const double A[7][6] = {
    {0},
    {1. / 5},
    {3. / 40, 9. / 40},
    {44. / 45, -56. / 15, 32. / 9},
    {19372. / 6561, -25360. / 2187, 64448. / 6561, -212. / 729},
    {9017. / 3168, -355. / 33, 46732. / 5247, 49. / 176, -5103. / 18656},
    {35. / 384, 0, 500. / 1113, 125. / 192, -2187. / 6784, 11. / 84},
};
static const double E[7] = {71. / 57600, 0, -71. / 16695, 71. / 1920, -17253. / 339200, 22. / 525, -1. / 40};
#else
static const double C[7] = {0, 0.161, 0.327, 0.9, 0.9800255409045097, 1, 1};
static const double A[7][6] = {
    {0},
    {0.161},
    {-0.008480655492356989, 0.335480655492357},
    {2.8971530571054935, -6.359448489975075, 4.3622954328695815},
    {5.325864828439257, -11.748883564062828, 7.4955393428898365, -0.09249506636175525},
    {5.86145544294642, -12.92096931784711, 8.159367898576159, -0.071584973281401, -0.028269050394068383},
    {0.09646076681806523, 0.01, 0.4798896504144996, 1.379008574103742, -3.290069515436081, 2.324710524099774},
};
static const double E[7] = {
    -0.00178001105222577714, -0.0008164344596567469, 0.007880878010261995, -0.1447110071732629,
    0.5823571654525552, -0.45808210592918697, 0.015151515151515152};
static const double DENSE[7][4] = {
    {1, -2.763706197274826, 2.9132554618219126, -1.0530884977290216},
    {0, 0.13169999999999998, -0.2234, 0.1017},
    {0, 3.9302962368947516, -5.941033872131505, 2.490627285651253},
    {0, -12.411077166933676, 30.33818863028232, -16.548102889244902},
    {0, 37.50931341651104, -88.1789048947664, 47.37952196281928},
    {0, -27.896526289197286, 65.09189467479366, -34.87065786149661},
    {0, 1.5, -4, 2.5},
};
#endif

// Step control in the form of Gustafsson: the length after a step whose error
// has the norm err is SAFETY err^-ALPHA before^BETA times the last one.
#define BETA 0.04
#define ALPHA (1. / 5 - 0.75 * BETA)
#define SAFETY 0.9
#define LEAST 0.2
#define MOST 10.0
#define BACK 0.9
#define LEAST_LOG -9.210340371976182

#endif
