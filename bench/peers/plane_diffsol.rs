// The Brusselator with diffusion on a square of N by N cells, periodic (bench/models/plane.node),
// by diffsol's BDF with faer's sparse LU:
//
//	cargo new plane && cd plane && cargo add diffsol@0.19 && cp …/plane_diffsol.rs src/main.rs
//	cargo run --release N RTOL
//
// prints seconds of processor time, from the start of the process, and writes the end to a file.
use diffsol::{DenseMatrix, FaerSparseLU, FaerSparseMat, OdeBuilder, OdeSolverMethod, Vector, VectorView};
use std::time::Instant;

// cpu is the processor time of the process, in seconds.
fn cpu() -> f64 {
    let s = std::fs::read_to_string("/proc/self/stat").unwrap();
    let f: Vec<&str> = s.rsplit(')').next().unwrap().split_whitespace().collect();
    (f[11].parse::<f64>().unwrap() + f[12].parse::<f64>().unwrap()) / 100.0
}

fn main() {
    let a: Vec<String> = std::env::args().collect();
    let n: usize = a[1].parse().unwrap();
    let rtol: f64 = a[2].parse().unwrap();
    let m = n * n;
    let al = 0.1 * (n as f64) * (n as f64);
    let idx = move |i: usize, j: usize| i * n + j;
    type M = FaerSparseMat<f64>;
    let lap = move |z: &[f64], o: usize, i: usize, j: usize| {
        let (ip, im, jp, jm) = ((i + 1) % n, (i + n - 1) % n, (j + 1) % n, (j + n - 1) % n);
        al * (z[o + idx(ip, j)] + z[o + idx(im, j)] + z[o + idx(i, jp)] + z[o + idx(i, jm)] - 4.0 * z[o + idx(i, j)])
    };
    let t0 = Instant::now();
    let problem = OdeBuilder::<M>::new()
        .rtol(rtol)
        .atol([rtol * 1e-2])
        .use_coloring(true)
        .rhs_implicit(
            move |x, _p, _t, y| {
                for i in 0..n {
                    for j in 0..n {
                        let k = idx(i, j);
                        let r = x[k] * x[k] * x[m + k];
                        y[k] = 1.0 + r - 4.4 * x[k] + lap(x, 0, i, j);
                        y[m + k] = 3.4 * x[k] - r + lap(x, m, i, j);
                    }
                }
            },
            move |x, _p, _t, w, y| {
                for i in 0..n {
                    for j in 0..n {
                        let k = idx(i, j);
                        let r = 2.0 * x[k] * x[m + k] * w[k] + x[k] * x[k] * w[m + k];
                        y[k] = r - 4.4 * w[k] + lap(w, 0, i, j);
                        y[m + k] = 3.4 * w[k] - r + lap(w, m, i, j);
                    }
                }
            },
        )
        .init(
            move |_p, _t, y| {
                for i in 0..n {
                    for j in 0..n {
                        let (x, yy) = ((i as f64 + 0.5) / n as f64, (j as f64 + 0.5) / n as f64);
                        y[idx(i, j)] = 22.0 * yy * (1.0 - yy).powf(1.5);
                        y[m + idx(i, j)] = 27.0 * x * (1.0 - x).powf(1.5);
                    }
                }
            },
            2 * m,
        )
        .build()
        .unwrap();
    println!("built {:?}, {} s of processor", t0.elapsed(), cpu());
    let t0 = Instant::now();
    let mut s = problem.bdf::<FaerSparseLU<f64>>().unwrap();
    println!("solver {:?}, {} s of processor", t0.elapsed(), cpu());
    let (ys, _why) = s.solve_dense(&[11.5]).unwrap();
    println!("solved {:?}, {} s of processor", t0.elapsed(), cpu());
    println!("{:?}", s.get_statistics());
    let c = ys.column(0).into_owned().clone_as_vec();
    let out: Vec<String> = c.iter().map(|v| format!("{:.17e}", v)).collect();
    std::fs::write(format!("end_{}_{}.txt", n, a[2]), out.join("\n")).unwrap();
}
