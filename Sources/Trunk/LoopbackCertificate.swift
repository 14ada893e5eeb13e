internal import CTrunk
import Glibc

/// A self-signed certificate for connections within one machine, as PEM files.
public struct LoopbackCertificate: Sendable {
    /// The certificate; it also serves a client as its file of authorities.
    public let certificateFile: String
    /// The key.
    public let keyFile: String

    /// The one that stands in a folder; when there is none, a new one is written there.
    public init(keptIn folder: String) throws(TrunkError) {
        self.init(namedIn: folder)
        if access(certificateFile, R_OK) != 0 || access(keyFile, R_OK) != 0 { self = try Self(in: folder) }
    }

    /// Writes a new one for `localhost`, `127.0.0.1` and `::1` into a folder; valid for a week.
    public init(in folder: String) throws(TrunkError) {
        self.init(namedIn: folder)
        try check(trk_tls_write_loopback_certificate(certificateFile, keyFile))
    }

    private init(namedIn folder: String) {
        certificateFile = folder + "/loopback-certificate.pem"
        keyFile = folder + "/loopback-key.pem"
    }
}
