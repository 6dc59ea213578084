// Certificates for tests of TLS, made on the spot.
#pragma once
#include <openssl/ec.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509.h>
#include <openssl/x509v3.h>

#include <memory>
#include <string>

namespace crossfade::test {

// A certificate and its key, and as far as it is one, an authority that signs others.
class Certificate {
 public:
  struct Options {
    std::string name = "test";          // the common name
    std::string subject_alt_name = {};  // "DNS:localhost,IP:127.0.0.1"
    bool authority = false;             // may sign others
    long valid_from_seconds = -3600;    // relative to now
    long valid_until_seconds = 3600;
  };

  // Signed by itself.
  static Certificate selfSigned(const Options& options) { return Certificate(options, nullptr); }
  Certificate sign(const Options& options) const { return Certificate(options, this); }

  std::string certPem() const {
    return pem([&](BIO* bio) { PEM_write_bio_X509(bio, certificate_.get()); });
  }
  std::string keyPem() const {
    return pem([&](BIO* bio) { PEM_write_bio_PrivateKey(bio, key_.get(), nullptr, nullptr, 0, nullptr, nullptr); });
  }
  std::string encryptedKeyPem(const char* password) const {
    return pem([&](BIO* bio) {
      PEM_write_bio_PKCS8PrivateKey(bio, key_.get(), EVP_aes_256_cbc(), nullptr, 0, nullptr,
                                    const_cast<char*>(password));
    });
  }

 private:
  Certificate(const Options& options, const Certificate* issuer)
      : key_(EVP_EC_gen("P-256"), EVP_PKEY_free), certificate_(X509_new(), X509_free) {
    static long serial = 0;
    X509* certificate = certificate_.get();
    X509_set_version(certificate, X509_VERSION_3);
    ASN1_INTEGER_set(X509_get_serialNumber(certificate), ++serial);
    X509_gmtime_adj(X509_getm_notBefore(certificate), options.valid_from_seconds);
    X509_gmtime_adj(X509_getm_notAfter(certificate), options.valid_until_seconds);
    X509_set_pubkey(certificate, key_.get());
    X509_NAME_add_entry_by_txt(X509_get_subject_name(certificate), "CN", MBSTRING_UTF8,
                               reinterpret_cast<const unsigned char*>(options.name.c_str()), -1, -1, 0);
    const Certificate& signer = issuer == nullptr ? *this : *issuer;
    X509_set_issuer_name(certificate, X509_get_subject_name(signer.certificate_.get()));
    extend(NID_basic_constraints, options.authority ? "critical,CA:TRUE" : "critical,CA:FALSE", signer);
    if (options.authority) extend(NID_key_usage, "critical,keyCertSign", signer);
    if (!options.subject_alt_name.empty()) extend(NID_subject_alt_name, options.subject_alt_name.c_str(), signer);
    X509_sign(certificate, signer.key_.get(), EVP_sha256());
  }

  void extend(int nid, const char* value, const Certificate& signer) {
    X509V3_CTX context;
    X509V3_set_ctx(&context, signer.certificate_.get(), certificate_.get(), nullptr, nullptr, 0);
    X509_EXTENSION* extension = X509V3_EXT_conf_nid(nullptr, &context, nid, value);
    X509_add_ext(certificate_.get(), extension, -1);
    X509_EXTENSION_free(extension);
  }

  template <class Write>
  static std::string pem(Write write) {
    const std::unique_ptr<BIO, decltype(&BIO_free)> bio(BIO_new(BIO_s_mem()), BIO_free);
    write(bio.get());
    char* data = nullptr;
    const long size = BIO_get_mem_data(bio.get(), &data);
    return {data, static_cast<std::size_t>(size)};
  }

  std::shared_ptr<EVP_PKEY> key_;
  std::shared_ptr<X509> certificate_;
};

}  // namespace crossfade::test
