// engine/files/sha256.cpp - SHA-256 (FIPS 180-4), by which runs are compared.
#include "engine/files/sha256.h"

#include <openssl/evp.h>

#include <array>
#include <stdexcept>

namespace equipoise {
namespace {

void require(bool done) {
  if (!done) throw std::runtime_error("OpenSSL cannot compute SHA-256");
}

}  // namespace

void Sha256::Free::operator()(evp_md_ctx_st* state) const noexcept { EVP_MD_CTX_free(state); }

Sha256::Sha256() : state_(EVP_MD_CTX_new()) {
  require(state_ && EVP_DigestInit_ex(state_.get(), EVP_sha256(), nullptr) == 1);
}

void Sha256::update(const void* data, size_t bytes) { require(EVP_DigestUpdate(state_.get(), data, bytes) == 1); }

std::string Sha256::hex() const {
  // Finishing spoils the state, so a copy is finished.
  const std::unique_ptr<evp_md_ctx_st, Free> copy(EVP_MD_CTX_new());
  std::array<unsigned char, 32> digest;
  require(copy && EVP_MD_CTX_copy_ex(copy.get(), state_.get()) == 1 &&
          EVP_DigestFinal_ex(copy.get(), digest.data(), nullptr) == 1);
  std::string text;
  for (const unsigned char byte : digest) {
    text += "0123456789abcdef"[byte >> 4];
    text += "0123456789abcdef"[byte & 15];
  }
  return text;
}

}  // namespace equipoise
