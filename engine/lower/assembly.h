// engine/lower/assembly.h - operations before they have places: what each reads and writes, in program order.
// From this come the phases (who must wait for whom) and the plan (which buffers may share memory).
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "engine/lower/program_code.h"

namespace equipoise {

/// A piece of memory of a replica. Floats that hold doubles are counted as two.
struct Buffer {
  std::string name;
  int64_t floats = 0;  ///< 0: a token that only orders operations, such as a field of Control
  int blocks = 1, cols = 1, stride = 1;
  int64_t state_offset = -1;  ///< >= 0: lies in the replica's state at this offset
};

/// A rectangle of a buffer, by blocks and columns, ends excluded.
struct Access {
  int buffer;
  int block_begin, block_end, col_begin, col_end;
};
bool overlap(const Access& a, const Access& b);

/// Gives each buffer its place, once planned.
class Locator {
 public:
  virtual ~Locator() = default;
  virtual Place place(int buffer) const = 0;
};

struct PendingOperation {
  std::vector<Access> reads, writes;
  std::function<Operation(const Locator&)> make;
  bool last;  ///< waits for every operation before it
  /// Buffers of one shape: each unit writes of the second what it has read of the first, and reads no other of it. So
  /// the second may lie where the first does, if nobody reads that any more. -1: there are none.
  int replaced = -1, replacing = -1;
};
/// The second must wait for the first.
bool conflict(const PendingOperation& early, const PendingOperation& late);

class Assembly {
 public:
  explicit Assembly(int batch) : batch_(batch) {}

  /// [blocks * batch, cols] floats, rows padded to a multiple of 4.
  int matrix(std::string name, int blocks, int cols);
  int doubles(std::string name, int64_t count);
  int ints(std::string name, int64_t count);
  int floats(std::string name, int64_t count);
  int token(std::string name);
  int state(std::string name, int64_t count, int64_t offset);

  /// The whole of a buffer, or some blocks and columns of a matrix.
  Access whole(int buffer) const;
  Access part(int buffer, int block, int blocks, int col, int cols) const;
  View view(const Locator& at, const Access& access) const;

  void add(std::vector<Access> reads, std::vector<Access> writes, std::function<Operation(const Locator&)> make);

  /// Of the operation that was added last: `with` may take the place of `buffer`, as above.
  void allow_replacing(int buffer, int with);

  void add_last(std::function<Operation(const Locator&)> make);

  /// Takes out the operations that read one of `buffers`, and all that depend on one of those, in their order; `append`
  /// puts them behind what has been added since.
  std::vector<PendingOperation> take_dependents(const std::vector<int>& buffers);
  void append(std::vector<PendingOperation> operations);

  int batch() const { return batch_; }
  const std::vector<Buffer>& buffers() const { return buffers_; }
  const std::vector<PendingOperation>& operations() const { return operations_; }

 private:
  int push(Buffer buffer);
  int batch_;
  std::vector<Buffer> buffers_;
  std::vector<PendingOperation> operations_;
};

inline int padded(int cols) { return (cols + 3) / 4 * 4; }

/// Row stride of a matrix: a multiple of 4 floats (16-byte rows) that is 4 times an odd number (no bank conflicts).
inline int row_stride(int cols) { return padded(cols) % 8 == 0 ? padded(cols) + 4 : padded(cols); }

}  // namespace equipoise
