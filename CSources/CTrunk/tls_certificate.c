/* tls_certificate.c - a self-signed certificate for this machine's own loopback connections: the
 * demo, the self-test and the simulators speak real TLS without anybody buying anything. */
#include "internal.h"

#include <openssl/err.h>
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

/* Passes what one side has written to the other; false when nothing moved. */
static bool pump(BIO *from, BIO *to) {
  char bytes[4096];
  bool moved = false;
  for (int count; (count = BIO_read(from, bytes, sizeof bytes)) > 0; moved = true)
    BIO_write(to, bytes, count);
  return moved;
}

static void shake_hands(SSL *client, SSL *server) {
  BIO *ends[4];
  for (int i = 0; i < 4; i++) ends[i] = BIO_new(BIO_s_mem());
  SSL_set_bio(client, ends[0], ends[1]);
  SSL_set_bio(server, ends[2], ends[3]);
  SSL_set_connect_state(client);
  SSL_set_accept_state(server);
  do {
    SSL_do_handshake(client);
    pump(ends[1], ends[2]);
    SSL_do_handshake(server);
  } while (pump(ends[3], ends[0]));
  char byte = 0;
  SSL_write(server, &byte, 1);
  pump(ends[3], ends[0]);
  SSL_read(client, &byte, 1);
}

void trk_tls_warm_up(void) {
  SSL_CTX *client_side = SSL_CTX_new(TLS_client_method());
  SSL_CTX *server_side = SSL_CTX_new(TLS_server_method());
  EVP_PKEY *key = EVP_EC_gen("P-256");
  X509 *certificate = X509_new();
  if (client_side && server_side && key && certificate && fill(certificate, key) &&
      SSL_CTX_use_certificate(server_side, certificate) == 1 &&
      SSL_CTX_use_PrivateKey(server_side, key) == 1) {
    X509_STORE_add_cert(SSL_CTX_get_cert_store(client_side), certificate);
    SSL_CTX_set_verify(client_side, SSL_VERIFY_PEER, NULL);
    SSL *client = SSL_new(client_side);
    SSL *server = SSL_new(server_side);
    if (client && server) shake_hands(client, server);
    SSL_free(client);
    SSL_free(server);
  }
  SSL_CTX_free(client_side);
  SSL_CTX_free(server_side);
  X509_free(certificate);
  EVP_PKEY_free(key);
  ERR_clear_error();
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
