/* tls_certificate.c - a self-signed certificate for this machine's own loopback connections: the
 * demo, the self-test and the simulators speak real TLS without anybody buying anything. */
#include "internal.h"

#include <openssl/pem.h>
#include <openssl/x509v3.h>
#include <stdio.h>

enum { VALID_SECONDS = 7 * 24 * 3600 };

static bool add_extension(X509 *certificate, int kind, const char *value) {
  X509V3_CTX context;
  X509V3_set_ctx(&context, certificate, certificate, NULL, NULL, 0);
  X509_EXTENSION *extension = X509V3_EXT_conf_nid(NULL, &context, kind, value);
  if (!extension) return false;
  const int added = X509_add_ext(certificate, extension, -1);
  X509_EXTENSION_free(extension);
  return added == 1;
}

static bool fill(X509 *certificate, EVP_PKEY *key) {
  X509_set_version(certificate, 2);
  uint64_t serial = uv_hrtime() >> 1;
  ASN1_INTEGER_set_uint64(X509_get_serialNumber(certificate), serial);
  X509_gmtime_adj(X509_getm_notBefore(certificate), -3600);
  X509_gmtime_adj(X509_getm_notAfter(certificate), VALID_SECONDS);
  X509_NAME *name = X509_get_subject_name(certificate);
  const unsigned char *common = (const unsigned char *)"trunkline loopback";
  X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_ASC, common, -1, -1, 0);
  return X509_set_issuer_name(certificate, name) == 1 && X509_set_pubkey(certificate, key) == 1 &&
         add_extension(certificate, NID_basic_constraints, "critical,CA:TRUE") &&
         add_extension(certificate, NID_subject_alt_name, "DNS:localhost,IP:127.0.0.1,IP:::1") &&
         X509_sign(certificate, key, EVP_sha256()) > 0;
}

static bool write_files(X509 *certificate, EVP_PKEY *key, const char *certificate_file,
                        const char *key_file) {
  BIO *out = BIO_new_file(certificate_file, "w");
  bool written = out && PEM_write_bio_X509(out, certificate) == 1;
  BIO_free(out);
  out = BIO_new_file(key_file, "w");
  written = written && out && PEM_write_bio_PrivateKey(out, key, NULL, NULL, 0, NULL, NULL) == 1;
  BIO_free(out);
  return written;
}

trk_status trk_tls_write_loopback_certificate(const char *certificate_file, const char *key_file) {
  trk_tls_process_init();
  EVP_PKEY *key = EVP_EC_gen("P-256");
  X509 *certificate = X509_new();
  const bool made = key && certificate && fill(certificate, key) &&
                    write_files(certificate, key, certificate_file, key_file);
  X509_free(certificate);
  EVP_PKEY_free(key);
  return made ? TRK_OK : TRK_ETLS;
}
