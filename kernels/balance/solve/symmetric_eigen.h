// kernels/balance/solve/symmetric_eigen.h - eigenvalues and eigenvectors of a small symmetric matrix by cyclic Jacobi.
//   rotation (p, q): theta = (a_qq - a_pp) / (2 a_pq), t = sgn(theta) / (|theta| + sqrt(theta^2 + 1)),
//   c = 1 / sqrt(t^2 + 1), s = t c; A <- J^T A J, V <- V J      (Jacobi 1846; Golub and Van Loan, section 8.5)
#pragma once

#include <cmath>

#include "kernels/base/fn.h"

// The rotations of a round are of disjoint pairs, paired as in a round-robin tournament (Brent and Luk 1985), so that a
// team makes m / 2 of them at a time: every 2 x 2 block of the matrix is written by one thread, between two barriers.
// Floor: 6 to 9 sweeps of m rounds, two barriers and 9 m^2 operations each.

namespace equipoise {

inline constexpr int kMaxSweeps = 24;

namespace eigen_detail {

/// Rotation of one pair; a player without a partner is paired with itself and not turned.
struct Rotation {
  int p, q;
  double c, s, t;  // cosine, sine, tangent; t = 0: nothing to do

  static constexpr int kDoubles = 5;
  EQ_FN void store(double* to) const { to[0] = p, to[1] = q, to[2] = c, to[3] = s, to[4] = t; }
  EQ_FN static Rotation load(const double* from) {
    return {static_cast<int>(from[0]), static_cast<int>(from[1]), from[2], from[3], from[4]};
  }
};

/// The pair at table `k` of `round`, players 0 .. m-1 (circle method; for odd m the last seat is empty).
EQ_FN Rotation seated(int m, int round, int k) {
  const int ring = m + m % 2 - 1;  // the seats that move; the last player stays
  const int p = k == 0 ? ring : (round + k) % ring, q = k == 0 ? round : (round + ring - k) % ring;
  return {p < m ? p : q, q, 1.0, 0.0, 0.0};
}

/// The rotation that makes a[p, q] zero, unless it is negligible already.
EQ_FN Rotation turned(int m, const double* a, Rotation r, double negligible) {
  const double apq = a[r.p * m + r.q];
  if (r.p == r.q || !(fabs(apq) > negligible)) return r;
  const double theta = (a[r.q * m + r.q] - a[r.p * m + r.p]) / (2.0 * apq);
  const double size = 1.0 / (fabs(theta) + sqrt(fma(theta, theta, 1.0)));
  r.t = theta < 0 ? -size : size;
  r.c = 1.0 / sqrt(fma(r.t, r.t, 1.0));
  r.s = r.t * r.c;
  return r;
}

/// (x, y) <- (c x - s y, s x + c y)
EQ_FN void turn_pair(const Rotation& r, double& x, double& y) {
  const double old = x;
  x = fma(r.c, x, -(r.s * y));
  y = fma(r.s, old, r.c * y);
}

/// The block of rows a.p, a.q and columns b.p, b.q, and its mirror image.
EQ_FN void turn_block(int m, double* matrix, const Rotation& a, const Rotation& b) {
  double pp = matrix[a.p * m + b.p], pq = matrix[a.p * m + b.q];
  double qp = matrix[a.q * m + b.p], qq = matrix[a.q * m + b.q];
  turn_pair(a, pp, qp);
  turn_pair(a, pq, qq);
  turn_pair(b, pp, pq);
  turn_pair(b, qp, qq);
  matrix[a.p * m + b.p] = matrix[b.p * m + a.p] = pp;
  matrix[a.p * m + b.q] = matrix[b.q * m + a.p] = pq;
  matrix[a.q * m + b.p] = matrix[b.p * m + a.q] = qp;
  matrix[a.q * m + b.q] = matrix[b.q * m + a.q] = qq;
}

/// Pairs of a round.
EQ_SIZE int tables(int m) { return (m + 1) / 2; }

}  // namespace eigen_detail

EQ_SIZE int symmetric_eigen_scratch(int m) { return (eigen_detail::Rotation::kDoubles + 2) * eigen_detail::tables(m); }

/// Collective. On return the diagonal of `a` holds the eigenvalues in no order, off it nothing above 2^-56 of the
/// largest entry; column k of `vectors` belongs to eigenvalue k. Entries should be far from overflow. Ends with a
/// barrier.
template <class Team>
EQ_COLD void symmetric_eigen(const Team& team, int m, double* a /* [m, m], destroyed */, double* vectors /* [m, m] */,
                             double* scratch) {
  using eigen_detail::Rotation;
  const int tables = eigen_detail::tables(m), rounds = 2 * tables - 1;
  double* rotations = scratch;                                // [tables, 5] of this round
  double* busy_at = rotations + Rotation::kDoubles * tables;  // [2, tables] whether a sweep turned there; by its parity
  double largest = 0;
  for (int e = 0; e < m * m; ++e) largest = fabs(a[e]) > largest ? fabs(a[e]) : largest;
  const double negligible = 0x1p-56 * largest;
  for (int e = team.thread_rank(); e < m * m; e += team.size()) vectors[e] = e / m == e % m ? 1.0 : 0.0;
  bool busy = m > 1;
  for (int sweep = 0; busy && sweep < kMaxSweeps; ++sweep) {
    double* now = busy_at + (sweep % 2) * tables;
    for (int round = 0; round < rounds; ++round) {
      for (int k = team.thread_rank(); k < tables; k += team.size()) {
        const Rotation r = eigen_detail::turned(m, a, eigen_detail::seated(m, round, k), negligible);
        r.store(rotations + Rotation::kDoubles * k);
        now[k] = (round > 0 && now[k] != 0) || r.t != 0 ? 1.0 : 0.0;
      }
      team.sync();  // the first one is also that of the vectors above
      for (int u = team.thread_rank(); u < tables * (tables + m); u += team.size()) {
        const int y = u / tables, x = u - y * tables;
        const Rotation of = Rotation::load(rotations + Rotation::kDoubles * x);
        if (y >= tables) {  // a row of V
          double* row = vectors + (y - tables) * m;
          if (of.t != 0) eigen_detail::turn_pair(of, row[of.p], row[of.q]);
        } else if (y == x && of.t != 0) {  // the pair's own block becomes diagonal
          const double apq = a[of.p * m + of.q];
          a[of.p * m + of.p] = fma(-of.t, apq, a[of.p * m + of.p]);
          a[of.q * m + of.q] = fma(of.t, apq, a[of.q * m + of.q]);
          a[of.p * m + of.q] = a[of.q * m + of.p] = 0.0;
        } else if (y < x) {
          const Rotation other = Rotation::load(rotations + Rotation::kDoubles * y);
          if (of.t != 0 || other.t != 0) eigen_detail::turn_block(m, a, other, of);
        }
      }
      team.sync();
    }
    busy = false;
    for (int k = 0; k < tables; ++k) busy = busy || now[k] != 0;
  }
  team.sync();
}

}  // namespace equipoise
