#include "net/tls.hpp"

#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>

namespace crossfade::net {

namespace {

// "\x08http/1.1": the one protocol that we offer in ALPN.
constexpr std::array<unsigned char, 9> alpn{8, 'h', 't', 't', 'p', '/', '1', '.', '1'};

template <class T>
struct Free;
template <>
struct Free<BIO> {
  void operator()(BIO* bio) const { BIO_free(bio); }
};
template <>
struct Free<X509> {
  void operator()(X509* certificate) const { X509_free(certificate); }
};
template <>
struct Free<EVP_PKEY> {
  void operator()(EVP_PKEY* key) const { EVP_PKEY_free(key); }
};
template <class T>
using Owned = std::unique_ptr<T, Free<T>>;

std::unexpected<Error> broken(std::string_view what) {
  std::string why;
  if (const unsigned long code = ERR_peek_last_error(); code != 0) {
    if (const char* reason = ERR_reason_error_string(code)) why = fmt::format(": {}", reason);
  }
  ERR_clear_error();
  return fail(ErrorCode::invalid, fmt::format("{}{}", what, why));
}

// Never asks a terminal for the password of an encrypted key.
int noPassword(char*, int, int, void*) { return 0; }

Result<std::vector<Owned<X509>>> readCertificates(const std::string& pem, std::string_view what) {
  ERR_clear_error();
  const Owned<BIO> bio(BIO_new_mem_buf(pem.data(), static_cast<int>(pem.size())));
  std::vector<Owned<X509>> certificates;
  while (auto certificate = Owned<X509>(PEM_read_bio_X509(bio.get(), nullptr, noPassword, nullptr))) {
    certificates.push_back(std::move(certificate));
  }
  // The list ends with "no start line"; any other error is a certificate that can't be read.
  const bool at_end = ERR_GET_REASON(ERR_peek_last_error()) == PEM_R_NO_START_LINE;
  if (certificates.empty() || !at_end) return broken(fmt::format("{} holds no readable PEM certificate", what));
  ERR_clear_error();
  return certificates;
}

Result<> trust(SSL_CTX* context, const std::string& ca_pem, std::string_view what) {
  const auto certificates = readCertificates(ca_pem, what);
  if (!certificates) return fail(certificates.error());
  X509_STORE* store = SSL_CTX_get_cert_store(context);
  for (const auto& certificate : *certificates) X509_STORE_add_cert(store, certificate.get());
  // What the user names is trusted even when it is an intermediate or the server's own certificate.
  X509_STORE_set_flags(store, X509_V_FLAG_PARTIAL_CHAIN);
  return {};
}

Result<> identify(SSL_CTX* context, const std::string& cert_pem, const std::string& key_pem, std::string_view whose) {
  const auto certificates = readCertificates(cert_pem, fmt::format("the {} certificate", whose));
  if (!certificates) return fail(certificates.error());
  if (SSL_CTX_use_certificate(context, certificates->front().get()) != 1) {
    return broken(fmt::format("the {} certificate can't be used", whose));
  }
  for (std::size_t i = 1; i < certificates->size(); ++i) SSL_CTX_add1_chain_cert(context, (*certificates)[i].get());

  const Owned<BIO> bio(BIO_new_mem_buf(key_pem.data(), static_cast<int>(key_pem.size())));
  const Owned<EVP_PKEY> key(PEM_read_bio_PrivateKey(bio.get(), nullptr, noPassword, nullptr));
  if (!key) return broken(fmt::format("the {} key is no readable PEM key", whose));
  if (SSL_CTX_use_PrivateKey(context, key.get()) != 1 || SSL_CTX_check_private_key(context) != 1) {
    return broken(fmt::format("the {} key does not fit the certificate", whose));
  }
  return {};
}

int selectProtocol(SSL*, const unsigned char** out, unsigned char* out_length, const unsigned char* offered,
                   unsigned int offered_length, void*) {
  unsigned char* selected = nullptr;
  const int found = SSL_select_next_proto(&selected, out_length, alpn.data(), alpn.size(), offered, offered_length);
  *out = selected;
  return found == OPENSSL_NPN_NEGOTIATED ? SSL_TLSEXT_ERR_OK : SSL_TLSEXT_ERR_NOACK;
}

std::shared_ptr<SSL_CTX> newContext(const SSL_METHOD* method) {
  std::shared_ptr<SSL_CTX> context(SSL_CTX_new(method), SSL_CTX_free);
  SSL_CTX_set_min_proto_version(context.get(), TLS1_2_VERSION);
  return context;
}

bool isAddress(const std::string& name) {
  const std::unique_ptr<ASN1_OCTET_STRING, decltype(&ASN1_OCTET_STRING_free)> address(a2i_IPADDRESS(name.c_str()),
                                                                                      ASN1_OCTET_STRING_free);
  ERR_clear_error();
  return address != nullptr;
}

}  // namespace

X509_STORE* SystemAuthorities::store() {
  if (!store_) {
    store_.reset(X509_STORE_new(), X509_STORE_free);
    X509_STORE_set_default_paths(store_.get());
    ERR_clear_error();  // a machine without any is no error until a certificate must be checked
  }
  return store_.get();
}

Result<std::shared_ptr<const TlsContext>> TlsContext::forClient(const TlsOptions& options, SystemAuthorities& system) {
  const auto context = newContext(TLS_client_method());
  SSL_CTX_set_alpn_protos(context.get(), alpn.data(), alpn.size());
  if (!options.ca_pem.empty()) {
    const auto trusted = trust(context.get(), options.ca_pem, "the certificate authority");
    if (!trusted) return fail(trusted.error());
  } else if (!options.insecure_skip_verify) {
    SSL_CTX_set1_cert_store(context.get(), system.store());
  }
  if (options.client_cert_pem.empty() != options.client_key_pem.empty()) {
    return fail(ErrorCode::invalid, "a client certificate and its key must be given together");
  }
  if (!options.client_cert_pem.empty()) {
    const auto identified = identify(context.get(), options.client_cert_pem, options.client_key_pem, "client");
    if (!identified) return fail(identified.error());
  }
  SSL_CTX_set_verify(context.get(), options.insecure_skip_verify ? SSL_VERIFY_NONE : SSL_VERIFY_PEER, nullptr);
  std::shared_ptr<TlsContext> made(new TlsContext(context, false));
  made->server_name_ = options.server_name;
  made->verify_ = !options.insecure_skip_verify;
  return made;
}

Result<std::shared_ptr<const TlsContext>> TlsContext::forServer(const std::string& cert_pem, const std::string& key_pem,
                                                                const std::string& client_ca_pem) {
  const auto context = newContext(TLS_server_method());
  SSL_CTX_set_alpn_select_cb(context.get(), selectProtocol, nullptr);
  if (const auto identified = identify(context.get(), cert_pem, key_pem, "server"); !identified) {
    return fail(identified.error());
  }
  if (!client_ca_pem.empty()) {
    const auto trusted = trust(context.get(), client_ca_pem, "the certificate authority for clients");
    if (!trusted) return fail(trusted.error());
    SSL_CTX_set_verify(context.get(), SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT, nullptr);
    // Sessions of verified clients may be resumed only under a name of our own.
    static constexpr std::array<unsigned char, 9> session_context{'c', 'r', 'o', 's', 's', 'f', 'a', 'd', 'e'};
    SSL_CTX_set_session_id_context(context.get(), session_context.data(), session_context.size());
  }
  return std::shared_ptr<const TlsContext>(new TlsContext(context, true));
}

SSL* TlsContext::newSession(const std::string& peer_name) const {
  SSL* session = SSL_new(context_.get());
  const std::string& name = server_name_.empty() ? peer_name : server_name_;
  if (name.empty()) return session;
  const bool address = isAddress(name);
  if (!address) SSL_set_tlsext_host_name(session, name.c_str());
  if (verify_) {
    if (address) {
      X509_VERIFY_PARAM_set1_ip_asc(SSL_get0_param(session), name.c_str());
    } else {
      SSL_set_hostflags(session, X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS);
      SSL_set1_host(session, name.c_str());
    }
  }
  return session;
}

std::string certificateProblem(const SSL* session) {
  const long result = SSL_get_verify_result(session);
  const bool checked = (SSL_get_verify_mode(session) & SSL_VERIFY_PEER) != 0;
  if (!checked || result == X509_V_OK) return {};
  return fmt::format("certificate verify failed: {}", X509_verify_cert_error_string(result));
}

}  // namespace crossfade::net
