// tests/reference/min_norm.h - the min-norm problem by brute force in quadruple precision: every face of the simplex.
//
// min w'Gw over w >= 0, sum w = 1, for the Gram matrix exactly as its doubles say. On the face of the set S the
// stationary point solves [G_SS 1; 1' 0] [w; -v] = [0; 1]; the optimum is the best of those with w >= 0 (of an
// indefinite G too: on a face where the objective is not convex, the optimum lies on a smaller one).
#pragma once

#include <bit>
#include <cstddef>
#include <cstdint>
#include <utility>
#include <vector>

namespace equipoise::reference {

__extension__ using Quad = __float128;

inline Quad magnitude(Quad x) { return x < 0 ? -x : x; }

/// Solves the n equations of the rows of [A | y], by elimination with complete pivoting; empty if A is singular.
inline std::vector<Quad> solve_quad(std::vector<std::vector<Quad>> rows) {
  const std::size_t n = rows.size();
  std::vector<std::size_t> column(n);
  for (std::size_t i = 0; i < n; ++i) column[i] = i;
  for (std::size_t k = 0; k < n; ++k) {
    std::size_t pi = k, pj = k;
    for (std::size_t i = k; i < n; ++i)
      for (std::size_t j = k; j < n; ++j)
        if (magnitude(rows[i][j]) > magnitude(rows[pi][pj])) pi = i, pj = j;
    if (rows[pi][pj] == 0) return {};
    std::swap(rows[k], rows[pi]);
    for (std::vector<Quad>& row : rows) std::swap(row[k], row[pj]);
    std::swap(column[k], column[pj]);
    for (std::size_t i = k + 1; i < n; ++i) {
      const Quad f = rows[i][k] / rows[k][k];
      if (f == 0) continue;
      for (std::size_t j = k; j <= n; ++j) rows[i][j] -= f * rows[k][j];
    }
  }
  std::vector<Quad> x(n);
  for (std::size_t k = n; k-- > 0;) {
    Quad sum = rows[k][n];
    for (std::size_t j = k + 1; j < n; ++j) sum -= rows[k][j] * x[column[j]];
    x[column[k]] = sum / rows[k][k];
  }
  return x;
}

struct QuadNorm {
  std::vector<Quad> weights;
  Quad value = 0;  ///< w'Gw
  Quad gross = 0;  ///< sum of w_i |G_ij| w_j
};

inline QuadNorm quad_norm(std::size_t m, const std::vector<double>& gram, const std::vector<Quad>& weights) {
  QuadNorm out{weights};
  for (std::size_t i = 0; i < m; ++i)
    for (std::size_t j = 0; j < m; ++j) {
      const Quad term = weights[i] * Quad{gram[i * m + j]} * weights[j];
      out.value += term;
      out.gross += magnitude(term);
    }
  return out;
}

/// Lengths to within a factor of two, as powers of two: what tasks are scaled by so that elimination sees like numbers.
inline std::vector<Quad> rough_lengths(std::size_t m, const std::vector<double>& gram) {
  std::vector<Quad> lengths(m, 1);
  for (std::size_t i = 0; i < m; ++i) {
    while (lengths[i] * lengths[i] < Quad{gram[i * m + i]}) lengths[i] *= 2;
    while (lengths[i] * lengths[i] > Quad{gram[i * m + i]}) lengths[i] /= 2;
  }
  return lengths;
}

inline QuadNorm min_norm(std::size_t m, const std::vector<double>& gram) {
  const std::vector<Quad> length = rough_lengths(m, gram);
  QuadNorm best;
  for (uint32_t face = 1; face < 1u << m; ++face) {
    std::vector<std::size_t> s;
    for (std::size_t i = 0; i < m; ++i)
      if (face >> i & 1u) s.push_back(i);
    const std::size_t n = s.size();
    Quad shortest = length[s[0]];
    for (std::size_t i : s)
      if (length[i] < shortest) shortest = length[i];
    std::vector<std::vector<Quad>> rows(n + 1, std::vector<Quad>(n + 2, 0));
    for (std::size_t a = 0; a < n; ++a) {
      for (std::size_t c = 0; c < n; ++c) rows[a][c] = Quad{gram[s[a] * m + s[c]]} / length[s[a]] / length[s[c]];
      rows[a][n] = rows[n][a] = shortest / length[s[a]];
    }
    rows[n][n + 1] = 1;
    const std::vector<Quad> u = solve_quad(rows);
    if (u.empty()) continue;
    std::vector<Quad> weights(m, 0);
    Quad sum = 0;
    bool inside = true;
    for (std::size_t a = 0; a < n; ++a) {
      inside = inside && u[a] >= 0;
      sum += weights[s[a]] = u[a] * shortest / length[s[a]];
    }
    if (!inside || !(sum > 0)) continue;
    for (Quad& w : weights) w /= sum;
    QuadNorm here = quad_norm(m, gram, weights);
    if (best.weights.empty() || here.value < best.value) best = here;
  }
  return best;
}

/// max_i (w'Gw - (Gw)_i) / max(w'Gw, sum_j |G_ij| w_j): at most 0 where w is optimal.
inline double min_norm_gap(std::size_t m, const std::vector<double>& gram, const std::vector<double>& weights) {
  const std::vector<Quad> w(weights.begin(), weights.end());
  const Quad value = quad_norm(m, gram, w).value;
  Quad gap = -1e300;
  for (std::size_t i = 0; i < m; ++i) {
    Quad row = 0, by = 0;
    for (std::size_t j = 0; j < m; ++j) {
      row += Quad{gram[i * m + j]} * w[j];
      by += magnitude(Quad{gram[i * m + j]} * w[j]);
    }
    if (value > by) by = value;
    const Quad g = by > 0 ? (value - row) / by : 0;
    if (g > gap) gap = g;
  }
  return static_cast<double>(gap);
}

}  // namespace equipoise::reference
