// engine/files/sha256.h - SHA-256 (FIPS 180-4), by which runs are compared.
#pragma once

#include <cstddef>
#include <memory>
#include <string>
#include <string_view>

struct evp_md_ctx_st;  // OpenSSL's digest state

namespace equipoise {

/// Hashes what update() is given, however it is cut into pieces. Throws std::runtime_error if OpenSSL cannot.
class Sha256 {
 public:
  Sha256();

  void update(const void* data, size_t bytes);
  void update(std::string_view text) { update(text.data(), text.size()); }
  /// 64 lower-case hexadecimal digits of all bytes so far; more may follow.
  std::string hex() const;

 private:
  struct Free {
    void operator()(evp_md_ctx_st* state) const noexcept;
  };
  std::unique_ptr<evp_md_ctx_st, Free> state_;
};

}  // namespace equipoise
