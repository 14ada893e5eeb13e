/* tls.c - TLS on legs: OpenSSL over memory, no sockets of its own.
 *
 * OpenSSL reads from the bytes of the present read (leg->tls_input) and writes records into the
 * leg's `cipher` chain: no copy of ours in between, no buffer that grows.
 */
#include "internal.h"

#include <openssl/err.h>
#include <openssl/x509v3.h>

enum {
  SEND_FRAGMENT_BYTES = 4096,        /* One record a block: OpenSSL's write buffer stays small. */
  SECURITY_LEVEL = 2,                /* 112 bits: no RSA below 2048, no SHA-1 signatures. */
  CERTIFICATE_BYTES_MAX = 100 << 10, /* A peer's whole chain. */
  CHAIN_DEPTH_MAX = 10,              /* Authorities between a peer and our trust. */
};

/* ---- The BIO ---- */

static int bio_read(BIO *bio, char *out, int count) {
  trk_leg *leg = BIO_get_data(bio);
  BIO_clear_retry_flags(bio);
  if (count <= 0) return 0;
  if (leg->tls_input.count == 0) {
    BIO_set_retry_read(bio);
    return -1;
  }
  const size_t take = (size_t)count < leg->tls_input.count ? (size_t)count : leg->tls_input.count;
  memcpy(out, leg->tls_input.data, take);
  leg->tls_input.data += take;
  leg->tls_input.count -= take;
  return (int)take;
}

static int bio_write(BIO *bio, const char *bytes, int count) {
  trk_leg *leg = BIO_get_data(bio);
  BIO_clear_retry_flags(bio);
  if (count <= 0) return 0;
  if (trk_chain_append(leg->loop, &leg->cipher, bytes, (size_t)count)) return count;
  return -1; /* The pool is empty: the connection can not go on. */
}

static long bio_control(BIO *bio, int command, long number, void *pointer) {
  (void)bio;
  (void)number;
  (void)pointer;
  return command == BIO_CTRL_FLUSH ? 1 : 0;
}

static int bio_create(BIO *bio) {
  BIO_set_init(bio, 1);
  return 1;
}

static BIO_METHOD *bio_method;
static int leg_index = -1; /* SSL ex_data: the leg. */

static void process_init(void) {
  bio_method = BIO_meth_new(BIO_get_new_index() | BIO_TYPE_SOURCE_SINK, "trunkline leg");
  if (!bio_method) return;
  BIO_meth_set_read(bio_method, bio_read);
  BIO_meth_set_write(bio_method, bio_write);
  BIO_meth_set_ctrl(bio_method, bio_control);
  BIO_meth_set_create(bio_method, bio_create);
  leg_index = SSL_get_ex_new_index(0, NULL, NULL, NULL, NULL);
  trk_tls_warm_up();
}

void trk_tls_process_init(void) {
  static pthread_once_t once = PTHREAD_ONCE_INIT;
  pthread_once(&once, process_init);
}

/* ---- Contexts ---- */

static void set_common(SSL_CTX *context) {
  SSL_CTX_set_min_proto_version(context, TLS1_2_VERSION);
  SSL_CTX_set_security_level(context, SECURITY_LEVEL);
  SSL_CTX_set_max_cert_list(context, CERTIFICATE_BYTES_MAX);
  SSL_CTX_set_mode(context, SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER |
                                SSL_MODE_RELEASE_BUFFERS);
  SSL_CTX_set_options(context, SSL_OP_NO_COMPRESSION | SSL_OP_NO_RENEGOTIATION);
  SSL_CTX_set_max_send_fragment(context, SEND_FRAGMENT_BYTES);
}

/* The context stands for the trust store: a session that was verified by one authority is not
 * offered where another decides. */
static void session_key(char *out, size_t size, const SSL *ssl, const char *host, uint16_t port) {
  snprintf(out, size, "%s:%u|%p", host, port, (const void *)SSL_get_SSL_CTX(ssl));
}

/* Keeps the newest session of a host (TLS 1.3 sends tickets after the handshake). */
static int keep_session(SSL *ssl, SSL_SESSION *session) {
  trk_leg *leg = SSL_get_ex_data(ssl, leg_index);
  const char *key = SSL_get_app_data(ssl);
  if (!leg || !key) return 0;
  trk_loop *loop = leg->loop;
  trk_tls_session *slot = NULL;
  for (size_t i = 0; i < TRK_TLS_SESSIONS_MAX && !slot; i++)
    if (strcmp(loop->tls_sessions[i].host, key) == 0) slot = &loop->tls_sessions[i];
  if (!slot) slot = &loop->tls_sessions[loop->tls_session_next++ % TRK_TLS_SESSIONS_MAX];
  if (slot->session) SSL_SESSION_free(slot->session);
  snprintf(slot->host, sizeof slot->host, "%s", key);
  slot->session = session;
  return 1; /* The reference is ours now. */
}

SSL_CTX *trk_tls_client(trk_loop *loop, const char *ca_file) {
  trk_tls_context *slot = NULL;
  const char *name = ca_file ? ca_file : "";
  for (size_t i = 0; i < TRK_TLS_CONTEXTS_MAX; i++) {
    trk_tls_context *at = &loop->tls_contexts[i];
    if (at->context && strcmp(at->ca_file, name) == 0) return at->context;
    if (!at->context && !slot) slot = at;
  }
  if (!slot || strlen(name) >= sizeof slot->ca_file) return NULL;
  SSL_CTX *context = SSL_CTX_new(TLS_client_method());
  if (!context) return NULL;
  set_common(context);
  SSL_CTX_set_verify(context, SSL_VERIFY_PEER, NULL);
  SSL_CTX_set_verify_depth(context, CHAIN_DEPTH_MAX);
  SSL_CTX_set_session_cache_mode(context, SSL_SESS_CACHE_CLIENT | SSL_SESS_CACHE_NO_INTERNAL);
  SSL_CTX_sess_set_new_cb(context, keep_session);
  const int loaded = ca_file ? SSL_CTX_load_verify_locations(context, ca_file, NULL)
                             : SSL_CTX_set_default_verify_paths(context);
  if (loaded != 1) {
    SSL_CTX_free(context);
    ERR_clear_error();
    return NULL;
  }
  strcpy(slot->ca_file, name);
  slot->context = context;
  return context;
}

trk_status trk_loop_trust(trk_loop *loop, const char *ca_file) {
  return trk_tls_client(loop, ca_file) ? TRK_OK : TRK_ETLS;
}

/* An encrypted key has no passphrase here: nobody is there to type one. */
static int no_passphrase(char *buffer, int size, int writes, void *context) {
  (void)buffer;
  (void)size;
  (void)writes;
  (void)context;
  return -1;
}

/* A certificate outside of its time would be refused by every carrier: it is told at the start. */
static bool is_valid_now(SSL_CTX *context) {
  const X509 *certificate = SSL_CTX_get0_certificate(context);
  return certificate && X509_cmp_current_time(X509_get0_notBefore(certificate)) < 0 &&
         X509_cmp_current_time(X509_get0_notAfter(certificate)) > 0;
}

SSL_CTX *trk_tls_server(trk_loop *loop, const char *certificate_file, const char *key_file) {
  (void)loop;
  SSL_CTX *context = SSL_CTX_new(TLS_server_method());
  if (!context) return NULL;
  set_common(context);
  SSL_CTX_set_default_passwd_cb(context, no_passphrase);
  const bool loaded = SSL_CTX_use_certificate_chain_file(context, certificate_file) == 1 &&
                      SSL_CTX_use_PrivateKey_file(context, key_file, SSL_FILETYPE_PEM) == 1 &&
                      SSL_CTX_check_private_key(context) == 1 && is_valid_now(context);
  if (loaded) return context;
  SSL_CTX_free(context);
  ERR_clear_error();
  return NULL;
}

/* ---- Connections ---- */

static bool attach(trk_leg *leg, SSL_CTX *context) {
  leg->ssl = SSL_new(context);
  if (!leg->ssl) return false;
  BIO *bio = BIO_new(bio_method);
  if (!bio) return false;
  BIO_set_data(bio, leg);
  SSL_set_bio(leg->ssl, bio, bio); /* One reference serves both directions. */
  SSL_set_ex_data(leg->ssl, leg_index, leg);
  leg->state = TRK_LEG_TLS;
  return true;
}

bool trk_tls_begin_server(trk_leg *leg, SSL_CTX *context) {
  if (!attach(leg, context)) return false;
  SSL_set_accept_state(leg->ssl);
  return true;
}

static bool is_address(const char *host) {
  uint8_t address[16];
  return uv_inet_pton(AF_INET, host, address) == 0 || uv_inet_pton(AF_INET6, host, address) == 0;
}

/* Host-name checks: an address must stand in the certificate as an address, a name as a name;
 * partial wildcards and names that stand in the subject only are refused (RFC 9525 section 6.3).
 * SNI carries names only (RFC 6066 section 3). */
static bool expect_host(trk_leg *leg, const char *host) {
  if (is_address(host)) return X509_VERIFY_PARAM_set1_ip_asc(SSL_get0_param(leg->ssl), host) == 1;
  SSL_set_hostflags(leg->ssl,
                    X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS | X509_CHECK_FLAG_NEVER_CHECK_SUBJECT);
  return SSL_set1_host(leg->ssl, host) == 1 && SSL_set_tlsext_host_name(leg->ssl, host) == 1;
}

static void offer_session(trk_leg *leg, const char *host, uint16_t port) {
  char key[TRK_SESSION_KEY_MAX];
  session_key(key, sizeof key, leg->ssl, host, port);
  SSL_set_app_data(leg->ssl, OPENSSL_strdup(key));
  for (size_t i = 0; i < TRK_TLS_SESSIONS_MAX; i++) {
    trk_tls_session *slot = &leg->loop->tls_sessions[i];
    if (slot->session && strcmp(slot->host, key) == 0) SSL_set_session(leg->ssl, slot->session);
  }
}

bool trk_tls_begin_client(trk_leg *leg, SSL_CTX *context, const char *host, uint16_t port) {
  if (!attach(leg, context) || !expect_host(leg, host)) return false;
  SSL_set_connect_state(leg->ssl);
  offer_session(leg, host, port);
  uint8_t nothing = 0;
  trk_tls_input(leg, &nothing, 0);
  return leg->state != TRK_LEG_DEAD;
}

/* The verifier's words are the useful ones: "certificate has expired", "hostname mismatch". */
static void fail_handshake(trk_leg *leg) {
  char text[120] = "TLS handshake failed";
  const long verify = SSL_get_verify_result(leg->ssl);
  const unsigned long error = ERR_peek_last_error();
  if (verify != X509_V_OK)
    snprintf(text, sizeof text, "TLS: %s", X509_verify_cert_error_string(verify));
  else if (error != 0 && ERR_reason_error_string(error))
    snprintf(text, sizeof text, "TLS: %s", ERR_reason_error_string(error));
  ERR_clear_error();
  trk_leg_record_close(leg, 1006, TRK_CLOSE_TLS, (int32_t)verify, text, strlen(text));
  trk_leg_flush(leg); /* The alert, when there is one. */
  trk_leg_kill(leg);
}

static void handshake_done(trk_leg *leg) {
  leg->loop->stats.tls_handshakes++;
  if (SSL_session_reused(leg->ssl)) leg->loop->stats.tls_resumed++;
  if (leg->is_server)
    leg->state = TRK_LEG_REQUEST;
  else
    trk_dial_connected(leg);
}

static void decrypt(trk_leg *leg) {
  uint8_t *plain = leg->loop->plain;
  while (leg->state != TRK_LEG_DEAD) {
    ERR_clear_error();
    const int count = SSL_read(leg->ssl, plain, TRK_RECEIVE_BYTES);
    if (count > 0) {
      trk_leg_take_plain(leg, plain, (size_t)count);
      continue;
    }
    const int error = SSL_get_error(leg->ssl, count);
    if (error == SSL_ERROR_WANT_READ || error == SSL_ERROR_WANT_WRITE) return;
    if (error == SSL_ERROR_ZERO_RETURN) {
      trk_leg_on_ended(leg);
      return;
    }
    trk_leg_fail(leg, 1006, TRK_CLOSE_LOST, 0, "TLS record broken");
    return;
  }
}

void trk_tls_input(trk_leg *leg, uint8_t *bytes, size_t count) {
  leg->tls_input = (trk_bytes){bytes, count};
  if (leg->state == TRK_LEG_TLS) {
    ERR_clear_error();
    const int result = SSL_do_handshake(leg->ssl);
    trk_leg_mark_dirty(leg);
    if (result == 1) {
      handshake_done(leg);
    } else if (SSL_get_error(leg->ssl, result) != SSL_ERROR_WANT_READ) {
      fail_handshake(leg);
    }
  }
  if (leg->state != TRK_LEG_TLS && leg->state != TRK_LEG_DEAD && leg->ssl) decrypt(leg);
  /* Nothing may point into the loop's receive buffer after this. */
  leg->tls_input = (trk_bytes){0};
}

bool trk_tls_encrypt(trk_leg *leg) {
  while (leg->out.bytes > 0 && leg->cipher.bytes < TRK_CIPHER_BYTES_MAX) {
    const trk_block *block = leg->out.head;
    ERR_clear_error();
    const int count =
        SSL_write(leg->ssl, block->data + block->start, (int)(block->end - block->start));
    if (count <= 0) return false;
    trk_chain_consume(leg->loop, &leg->out, (size_t)count);
  }
  return true;
}

void trk_tls_shutdown(trk_leg *leg) {
  ERR_clear_error();
  SSL_shutdown(leg->ssl);
}

void trk_tls_release_loop(trk_loop *loop) {
  for (size_t i = 0; i < TRK_TLS_SESSIONS_MAX; i++)
    if (loop->tls_sessions[i].session) SSL_SESSION_free(loop->tls_sessions[i].session);
  for (size_t i = 0; i < TRK_TLS_CONTEXTS_MAX; i++) SSL_CTX_free(loop->tls_contexts[i].context);
}
