internal import CTrunk

/// A self-signed certificate for connections within one machine, as PEM files.
public struct LoopbackCertificate: Sendable {
    /// The certificate; it also serves a client as its file of authorities.
    public let certificateFile: String
    /// The key.
    public let keyFile: String

    /// Writes a new one for `localhost`, `127.0.0.1` and `::1` into a folder; valid for a week.
    public init(in folder: String) throws(TrunkError) {
        certificateFile = folder + "/loopback-certificate.pem"
        keyFile = folder + "/loopback-key.pem"
        try check(trk_tls_write_loopback_certificate(certificateFile, keyFile))
    }
}
