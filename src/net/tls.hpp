// Certificates and keys made into OpenSSL contexts, and what a failed handshake means.
#pragma once
#include <memory>
#include <string>

#include "base/result.hpp"
#include "net/http.hpp"

struct ssl_st;
struct ssl_ctx_st;
struct x509_store_st;

namespace crossfade::net {

// The certificates that the system trusts. Reading them takes some 40 ms: done once, when first needed.
class SystemAuthorities {
 public:
  x509_store_st* store();

 private:
  std::shared_ptr<x509_store_st> store_;
};

// The settings that many connections share. Immutable.
class TlsContext {
 public:
  // Trusts `ca_pem` (any number of certificates, roots or not) or the system's; checks the peer's certificate unless
  // told not to. Fails with `invalid` when some PEM can't be read or the key does not fit the certificate.
  static Result<std::shared_ptr<const TlsContext>> forClient(const TlsOptions& options, SystemAuthorities& system);
  // With `client_ca_pem`, clients must show a certificate that it signed.
  static Result<std::shared_ptr<const TlsContext>> forServer(const std::string& cert_pem, const std::string& key_pem,
                                                             const std::string& client_ca_pem);

  // The state of one connection; the caller owns it. A client's checks that the peer is `peer_name`, a DNS name or an
  // IP address, or the context's own `server_name`; for a server it is empty.
  ssl_st* newSession(const std::string& peer_name) const;
  bool isServer() const { return server_; }

 private:
  TlsContext(std::shared_ptr<ssl_ctx_st> context, bool server) : context_(std::move(context)), server_(server) {}

  std::shared_ptr<ssl_ctx_st> context_;
  bool server_;
  std::string server_name_;
  bool verify_ = true;
};

// Why the peer's certificate was refused, "certificate verify failed: self-signed certificate"; empty when it was not.
std::string certificateProblem(const ssl_st* session);

}  // namespace crossfade::net
